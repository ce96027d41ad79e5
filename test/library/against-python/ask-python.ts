/** Questions to the real thing: one Python process answers many, each a line of JSON in and one out. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { realTools } from "../../worker-node/media/tools.ts";

/** Modules that a script may count on; `answer` is the script's own. */
const LOOP = `
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=False)
`;

/**
 * @param script Defines `answer(question)`; `sys` and `json` are imported. It runs in the interpreter that yt-dlp runs in.
 * @example await askPython("def answer(x): return x + 1", [1, 2]) // [2, 3]
 */
export async function askPython<Answer>(script: string, questions: readonly unknown[]): Promise<Answer[]> {
  const { ytdlp } = await realTools();
  if (ytdlp.python === null) throw new Error("the yt-dlp of this machine is no Python package");
  const child = spawn(ytdlp.python, ["-c", `import sys, json\n${script}\n${LOOP}`], {
    env: { ...process.env, ...ytdlp.env, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  child.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(""));
  const [[stdout, stderr], code] = await Promise.all([output, ended]);
  if (code !== 0) throw new Error(`Python ended with ${code}: ${stderr}`);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}
