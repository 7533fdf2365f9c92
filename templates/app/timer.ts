// A command at set times: a timer and the service that it starts.
import { z } from "zod";
import { AbsolutePath, Line, UserName } from "../../spec/scalars.ts";
import { conf, ownedBy, when } from "../conf.ts";
import { Label } from "../words.ts";
import { commandLine } from "./quote.ts";

export const Timer = z.strictObject({
  name: Label.describe("Name of the timer and of its service."),
  calendar: Line.min(1).describe("When, as systemd's OnCalendar takes it: `*-*-* 03:00:00`, `minutely`."),
  command: z.tuple([AbsolutePath], z.string().min(1)).describe("Program by absolute path, and its arguments; no shell reads them."),
  user: UserName.default("root").describe("User that the command runs as."),
  workingDirectory: AbsolutePath.optional().describe("Folder that it starts in."),
  environmentFile: AbsolutePath.optional(),
  persistent: z.boolean().default(false).describe("Catch up at boot on a time that passed while the server was off."),
});
export type Timer = z.infer<typeof Timer>;

/** `/etc/systemd/system/<name>.timer` */
export const timerUnit = ({ name, calendar, persistent }: Timer): string => conf`
  # ${ownedBy("app", "templates/app/timer.ts")}
  [Unit]
  Description=Starts ${name}

  [Timer]
  OnCalendar=${calendar.replaceAll("%", "%%")}
  AccuracySec=1s
  ${when(persistent, "Persistent=true")}

  [Install]
  WantedBy=timers.target
`;

/** `/etc/systemd/system/<name>.service` */
export const timedService = ({ name, command, user, workingDirectory, environmentFile }: Timer): string => conf`
  # ${ownedBy("app", "templates/app/timer.ts")}
  [Unit]
  Description=${name}, started by its timer

  [Service]
  Type=oneshot
  User=${user}
  ${workingDirectory === undefined ? [] : `WorkingDirectory=${workingDirectory}`}
  ${environmentFile === undefined ? [] : `EnvironmentFile=${environmentFile}`}
  ExecStart=${commandLine(command)}
`;
