/** The guide's page of items: every command in it is taken, in its order. */
import { it } from "vitest";
import page from "../../../docs/guide/library-items.md?raw";
import { expectCommandsTaken } from "./guide-commands.ts";

it("every command answers with a success", () => expectCommandsTaken(page, (path) => path.includes("/add?")));
