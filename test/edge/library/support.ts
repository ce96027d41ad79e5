/** What the tests of the library API share. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import worker from "../../../edge/index.ts";
import { type Account, admin, type Json, ORIGIN } from "../support.ts";

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** Bindings that differ. */
  env?: Partial<typeof env>;
  /** Where the server is called. */
  origin?: string;
}

/** A request to the Worker, with bindings of the test's choice. */
export async function ask(path: string, asked: Asked = {}): Promise<Response> {
  const { method = "GET", headers = {}, body, origin = ORIGIN } = asked;
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  const request = new Request(origin + path, { method, headers, body: text, redirect: "manual" });
  return worker.fetch(request as never, { ...env, ...asked.env }, createExecutionContext());
}

/** Status and body, whatever the type. */
export async function said(response: Response): Promise<[number, unknown]> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  return [response.status, isJson ? (JSON.parse(text) as unknown) : text];
}

const encoder = new TextEncoder();

export function base64(text: string): string {
  return btoa(String.fromCharCode(...encoder.encode(text)));
}

export const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_");
export const unpadded = (text: string) => text.replaceAll("=", "");
export const basic = (userAndPassword: string) => ({ authorization: `Basic ${base64(userAndPassword)}` });

export interface User {
  name: string;
  password: string;
}

/** Gives the account a name of its own and a password. */
export async function setUser(account: Account, changes: Json = {}, password = "open:sesame ü?>"): Promise<User> {
  const user = { name: `anna-${crypto.randomUUID()}`, password };
  const body = { username: user.name, password: user.password, ...changes };
  expect((await admin("PATCH", `/admin/accounts/${account.id}`, body)).status).toBe(200);
  return user;
}
