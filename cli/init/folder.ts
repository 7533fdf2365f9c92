// What a team's folder holds at its beginning, by path. Pure text.
import { projectFile } from "../../pulumi/project.ts";
import { codeFolder, packageName } from "./dependency.ts";

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const packageFile = (dependency: string): string =>
  json({
    private: true,
    type: "module",
    scripts: { setup: "fleet setup --practice=optional", check: "fleet check" },
    dependencies: { [packageName]: dependency },
  });

/** For editors: the types of roles/. Node runs them as they are. */
const tsconfig = json({
  compilerOptions: {
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2024",
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: [],
  },
  include: ["roles/**/*.ts"],
});

const gitignore = `node_modules/
# State, logs and backups: they hold what opens servers.
.fleet/
# What \`fleet down\` fetched.
/archives/
*.log
*.pem
*.key
id_rsa*
id_ed25519*
.env
.env.*
`;

const readme = `# Our servers

\`stacks/\` says what each server is, \`stacks/files/\` what is laid over \`/\` on all of them (\`common/\`) or on one, \`roles/\` what we taught the fleet.
First \`npm install && npx fleet setup\`; then \`./fleet check\`, \`./fleet preview\`, \`./fleet up\`, \`./fleet verify\`, \`./fleet down\`, each with a stack's name.
\`./fleet docs\` has the pages: \`roles\`, \`stack-file\`, \`own-roles\`. State lies in \`.fleet/\`, which git leaves out: keep the passphrase of the stacks elsewhere.
\`runs/\` is what \`fleet bench\` measured: commit it, and the team shares scores and reports; raw logs stay on the computer that measured.
`;

const launcher = `#!/bin/sh
# The fleet command, for this folder, wherever it is typed.
here=$(dirname -- "$(readlink -f -- "$0")")
if ! [ -e "$here/node_modules/.bin/fleet" ]; then
  echo 'the packages are not there: type \`npm install\`' >&2
  exit 3
fi
FLEET_PROJECT=$here exec "$here/node_modules/.bin/fleet" "$@"
`;

const role = `// A role of our own: a stack file names it as it does nginx (\`roles: [base, motd]\`). \`fleet docs own-roles\` says what there is.
import { defineRole, template, want, z } from "contest-fleet/role";

// What a stack file may say under \`params.motd\`.
const Params = z.strictObject({
  text: z.string().default("Good luck!").describe("what everybody reads who logs in"),
});

export default defineRole<z.infer<typeof Params>>({
  summary: "a greeting at login",
  params: Params,
  // What it wants on a server. Nothing is done here: \`fleet preview\` shows it, \`fleet up\` does it, \`fleet down\` undoes it.
  resources: ({ params, self, team }) => [
    want.file({
      path: "/etc/motd",
      content: template(import.meta, "motd.liquid")({ text: params.text, server: self.name, team: team.name }),
    }),
  ],
});
`;

export interface Beginning {
  readonly path: string;
  readonly content: string;
  readonly executable?: boolean;
}

export const folderFiles = (dependency: string): readonly Beginning[] => [
  { path: "Pulumi.yaml", content: projectFile(codeFolder) },
  { path: "package.json", content: packageFile(dependency) },
  { path: "tsconfig.json", content: tsconfig },
  { path: ".gitignore", content: gitignore },
  { path: "README.md", content: readme },
  { path: "fleet", content: launcher, executable: true },
  { path: "stacks/files/common/.gitkeep", content: "" },
  { path: "roles/motd/role.ts", content: role },
  { path: "roles/motd/motd.liquid", content: "{{ server }} of {{ team }}. {{ text }}\n" },
];
