export interface Paths {
  readonly checkout: string;
  /** Everything that set-up installed for this user. */
  readonly cache: string;
  /** Links to the commands; goes in front of PATH. */
  readonly bin: string;
  /** The real path of each command that is there. */
  readonly commands: { readonly [name in "node" | "pulumi" | "pulumi-language-nodejs"]?: string };
}

export const checkout: string;
/** Throws when neither `HOME` nor `XDG_CACHE_HOME` names a folder. */
export function cacheFolder(env: NodeJS.ProcessEnv): string;
export function paths(env: NodeJS.ProcessEnv): Paths;
