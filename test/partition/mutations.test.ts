import { catchMutations } from "./catch-mutations.ts";

catchMutations(false);
