/** The program `vopr`, as the runner starts it; `kimtest vopr` calls the same command line. */
import { main } from "./vopr-command.ts";

process.exitCode = await main(process.argv.slice(2));
