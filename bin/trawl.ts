#!/usr/bin/env node
import { runCli } from "./program.ts";

// The exit code is set, not exited with: what is still being written to a pipe gets out.
process.exitCode = await runCli(process.argv.slice(2));
