/** The program `explore`, as the runner starts it. */
import { main } from "./explore-command.ts";

process.exitCode = await main(process.argv.slice(2));
