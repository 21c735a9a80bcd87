// typescript_sdk.mjs: the official TypeScript SDK, installed if it is not there.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
execFileSync(path.join(here, "install"), ["node"], { stdio: ["ignore", "inherit", "inherit"] });

const require = createRequire(path.resolve(process.env.BUILD || "build", "sdk", "node", "package.json"));
export const sdk = require("@daytona/sdk");
