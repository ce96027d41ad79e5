import { Command } from "commander";

/** `trawl demo`: everything once, from a URL to a verified file. */
export function demoCommand(): Command {
  return new Command("demo").description("deliver a sample video and show how").action(async () => {
    const { runDemo } = await import("../demo/run.ts");
    await runDemo();
  });
}
