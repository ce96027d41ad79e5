import { Command, CommanderError } from "commander";
import { HostError } from "../edge/local/host-error.ts";
import { errorText } from "../edge/local/log.ts";
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE, Failure } from "./cli-error.ts";
import { accountsCommand } from "./commands/accounts.ts";
import { addCommand } from "./commands/add.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { demoCommand } from "./commands/demo.ts";
import { enrolCommand } from "./commands/enrol.ts";
import { getCommand } from "./commands/get.ts";
import { keysCommand } from "./commands/keys.ts";
import { lsCommand } from "./commands/ls.ts";
import { nodeCommand } from "./commands/node.ts";
import { nodesCommand } from "./commands/nodes.ts";
import { retryCommand } from "./commands/retry.ts";
import { toolsCommand } from "./commands/tools.ts";
import { upCommand } from "./commands/up.ts";
import { watchCommand } from "./commands/watch.ts";
import { packageVersion } from "./package-version.ts";

/**
 * Runs one command line and answers the exit code: 0 done, 1 failure, 2 usage.
 *
 * @example process.exitCode = await runCli(["ls", "--status", "failed"]);
 */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = EXIT_OK;
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error, program, args);
    process.stderr.write(`trawl: ${oneLine(errorText(error))}\n`);
    // A fault of ours, not of the operator: its trace is for the report.
    if (!(error instanceof Failure || error instanceof HostError) && process.env.TRAWL_LOG === "debug") {
      console.error(error);
    }
    return EXIT_FAILURE;
  }
}

/** Commands that end without an error but not well (a job failed, a node was fenced) set the exit code. */
export type SetExit = (code: number) => void;

function buildProgram(setExit: SetExit): Command {
  const program = new Command("trawl")
    .description("Turns a media URL into a file in your storage.")
    .version(packageVersion());
  const commands = [
    upCommand(),
    demoCommand(),
    nodeCommand(setExit),
    addCommand(setExit),
    getCommand(),
    lsCommand(),
    watchCommand(setExit),
    cancelCommand(),
    retryCommand(setExit),
    enrolCommand(),
    nodesCommand(),
    accountsCommand(),
    keysCommand(),
    toolsCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((command) => command.commands)]) {
    // Commander prints its own message and exits with 1; both are ours to decide.
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  return program;
}

function usageExit(error: CommanderError, program: Command, args: readonly string[]): number {
  if (error.exitCode === 0) return EXIT_OK;
  const command = program.commands.find((candidate) => candidate.name() === args[0]);
  const name = command === undefined ? "trawl" : `trawl ${command.name()}`;
  // Without any command commander shows the help itself, on stderr, and its message is only "(outputHelp)".
  if (error.code !== "commander.help") {
    const unknown = unknownCommand(error, command, args[1]);
    const text = unknown ?? oneLine(error.message.replace(/^error: /, "")).replace(/\.$/, "");
    process.stderr.write(`${name}: ${text}; see: ${name} --help\n`);
  }
  return EXIT_USAGE;
}

/** Where a command does something by itself, commander takes a word that it does not know for an argument of that. */
function unknownCommand(error: CommanderError, command: Command | undefined, word: string | undefined): string | null {
  if (error.code !== "commander.excessArguments" || command === undefined || word === undefined) return null;
  const known = command.commands.map((each) => each.name());
  return known.length === 0 || known.includes(word) ? null : `unknown command '${word}': there are ${known.join(", ")}`;
}

function oneLine(text: string): string {
  // Commander puts "(Did you mean …?)" on a line of its own.
  return text
    .trim()
    .replace(/\s*\n\s*\(/g, " (")
    .replace(/\s*\n\s*/g, "; ");
}
