/** A node that answers the library API's questions about yt-dlp, and remembers them. */
import { onTestFinished } from "vitest";
import type { CallRequest } from "../../../../shared/contract/calls.ts";
import { answeringNode } from "../../answering-node.ts";
import { type Account, type Json, newAccount } from "../../support.ts";

export interface Asked {
  account: Account;
  questions: CallRequest[];
  close(): void;
}

export const VERSION = "2026.10.26";

/** An account with a node of its own, online, that answers by `answer`: a result, or a whole refusal. */
export async function asked(answer: (request: CallRequest, count: number) => Json): Promise<Asked> {
  const account = await newAccount();
  const questions: CallRequest[] = [];
  const node = await answeringNode(account, (request) => {
    questions.push(request);
    const said = answer(request, questions.length);
    return said.ok === false ? said : { ok: true, result: { kind: request.kind, ...said } };
  });
  onTestFinished(() => node.close());
  return { account, questions, close: node.close };
}

/** yt-dlp's info as a node brings it. */
export function info(more: Json = {}): Json {
  const talk = { id: "dQw4w9WgXcQ", title: "A talk", duration: 213, extractor: "youtube", extractor_key: "Youtube" };
  return { refused: null, left_out: [], info: { ...talk, formats: [], ...more } };
}
