# tests/sdk/build.mk: the stand-in held to account: by the real daemon's answers, and by the official SDKs. Included by the top
# Makefile. The SDKs are installed by the tests that need them, or by making the .ok files.

FOREIGN_TESTS += tests/sdk/differential_test.py tests/sdk/differential tests/sdk/python_sdk_test.py \
                 tests/sdk/python_adapters_test.py tests/sdk/typescript_sdk_test.mjs tests/sdk/typescript_adapter_test.mjs

$(BUILD)/sdk/venv/.ok: tests/sdk/requirements.txt
	BUILD=$(BUILD) tests/sdk/install python

$(BUILD)/sdk/node/node_modules/.ok: tests/sdk/package-lock.json
	BUILD=$(BUILD) tests/sdk/install node
