# tests/sdk/build.mk: the stand-in held to account by the real daemon's answers. Included by the top Makefile.

FOREIGN_TESTS += tests/sdk/differential
