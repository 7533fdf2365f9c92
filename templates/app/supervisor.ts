// A supervisord program, as the Serverfest team ran its syncer: started and restarted by itself, with logs that can't fill the disk.
import { z } from "zod";
import { AbsolutePath, EnvName, Line, UserName } from "../../spec/scalars.ts";
import { conf, ownedBy } from "../conf.ts";
import { Label } from "../words.ts";

/** supervisord reads values without escapes, and a comment from a `;` or `#` after a space, inside quotes too. */
const EnvironmentValue = Line.regex(
  /^(?!.* [;#])[^"']*$/,
  "expected text without quotes, ` ;` and ` #`, which supervisord can't hold; use an environment file",
);

export const SupervisorProgram = z.strictObject({
  name: Label.describe("Name of the program."),
  command: z.tuple([AbsolutePath], Line.min(1)).describe("Program by absolute path, and its arguments."),
  user: UserName.describe("User that it runs as."),
  directory: AbsolutePath.describe("Folder that it starts in."),
  environment: z.record(EnvName, EnvironmentValue).default({}).describe("Environment variables of the program."),
  logDirectory: AbsolutePath.default("/var/log/supervisor").describe("Folder of its output: <name>.log."),
});
export type SupervisorProgram = z.infer<typeof SupervisorProgram>;

/** supervisord splits a command like a shell; `%` starts an expansion, and ` ;` or ` #` a comment, unless quotes stand between. */
const quoteWord = (word: string): string => {
  const percent = word.replaceAll("%", "%%");
  return /^[A-Za-z0-9_/.:=@%+,-]+$/.test(percent) ? percent : `'${percent.replaceAll("'", `'"'"'`).replace(/ ([;#])/g, " ''$1")}'`;
};

/** `/etc/supervisor/conf.d/<name>.conf` */
export const supervisorProgram = (program: SupervisorProgram): string => {
  const environment = Object.entries(program.environment).map(([key, value]) => `${key}="${value.replaceAll("%", "%%")}"`);
  return conf`
    ; ${ownedBy("app", "templates/app/supervisor.ts")}
    [program:${program.name}]
    command=${program.command.map(quoteWord)}
    user=${program.user}
    directory=${program.directory}
    ${environment.length > 0 ? `environment=${environment.join(",")}` : []}
    autostart=true
    autorestart=true
    stdout_logfile=${program.logDirectory}/${program.name}.out.log
    stdout_logfile_maxbytes=1MB
    stderr_logfile=${program.logDirectory}/${program.name}.err.log
    stderr_logfile_maxbytes=1MB
  `;
};
