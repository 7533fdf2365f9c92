// The two scripts that a server's logs are read by: what was written until now, and what is written from a place on. Both print one line an entry:
// the journal's own JSON, or the number of a file, a colon and its line. Lines of ours begin with `@`.
import { type Command, lines, quote, raw, sh } from "../../provisioners/engine/shell-quote.ts";
import type { Sources } from "./sources.ts";

/** A place in a file: bytes of that very file, which may have been moved away since. */
export interface FilePlace {
  readonly path: string;
  readonly inode: string;
  readonly offset: number;
}

/** Where somebody stopped reading; `cursor` is the journal's. */
export interface Place {
  readonly cursor: string | undefined;
  readonly files: readonly FilePlace[];
}

/** Bytes of a file that are looked at for what was written until now: the end of it. */
const lookBack = 4 * 1024 * 1024;
/** Seconds between two signs of life; a reader that is gone is found out by them, and reading ends. */
const beat = 5;

const fields = "MESSAGE,PRIORITY,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER";
const units = (names: readonly string[]): Command => raw(names.map((name) => ` -u ${quote(name)}`).join(""));

/** Quoted, but for what a shell makes names of. */
const pattern = (path: string): string => path.replace(/[^*?[\]]+/g, (text) => quote(text));

export interface Back {
  /** Of each source. */
  readonly lines: number;
  /** Seconds since 1970: all from then on, whatever `lines` says. */
  readonly since?: number | undefined;
}

/** What was asked for by name and is not there: `@Nunit x.service`. A unit that is gone may have left entries. */
function lacking({ units: names, files }: NonNullable<Sources["named"]>): readonly Command[] {
  return [
    ...names.map((name) => {
      const unit = /[.*?[]/.test(name) ? name : `${name}.service`;
      return sh`[ -n "$(journalctl -q --no-pager -n 1 -u ${name} 2>/dev/null; systemctl list-units --all --plain --no-legend -- ${unit} 2>/dev/null; systemctl list-unit-files --no-legend -- ${unit} 2>/dev/null)" ] || printf ${"@N%s\n"} ${`unit ${name}`}`;
    }),
    ...files.map((path) =>
      lines([
        raw(`found=\nfor f in ${pattern(path)}; do if [ -f "$f" ] && [ -r "$f" ]; then found=yes; fi; done`),
        sh`[ -n "$found" ] || printf ${"@N%s\n"} ${`file ${path}`}`,
      ]),
    ),
  ];
}

/** Ends by itself. */
export function backScript({ units: names, files, named }: Sources, { lines: count, since }: Back): Command {
  const range = since === undefined ? sh`-n ${count}` : sh`${`--since=@${Math.floor(since)}`}`;
  const tail = since === undefined ? sh`tail -n ${count}` : sh`cat`;
  const journal =
    names === undefined
      ? []
      : [
          sh`journalctl -q --no-pager -n 1 -o json --output-fields=PRIORITY 2>/dev/null | sed ${"s/^/@C/"}`,
          sh`journalctl -q --no-pager -o json --output-fields=${raw(fields)} ${range}${units(names)}`,
        ];
  const each = sh`[ -f "$f" ] && [ -r "$f" ] || continue
s=$(stat -L -c %s -- "$f") i=$(stat -L -c %i -- "$f") w=$s
[ "$w" -le ${lookBack} ] || w=${lookBack}
b=$(tail -c "+$((s-w+1))" -- "$f" | head -c "$w" | ${tail} | wc -c)
printf ${"@F%s\\t%s\\t%s\\n"} "$i" "$s" "$f"
tail -c "+$((s-b+1))" -- "$f" | head -c "$b" | grep -a -H --label="$n" ${""}
n=$((n+1))`;
  return lines([
    sh`printf ${"@Z%s\\n"} "$(date +%z)"
n=0`,
    ...(named ? lacking(named) : []),
    ...journal,
    ...(files.length > 0 ? [raw(`for f in ${files.map(pattern).join(" ")}; do\n${each.text}\ndone`)] : []),
    sh`exit 0`,
  ]);
}

/** Goes on until it is ended, or nobody reads. */
export function followScript({ units: names }: Sources, { cursor, files }: Place): Command {
  const from = cursor === undefined ? sh`-n 0` : sh`${`--after-cursor=${cursor}`}`;
  const journal =
    names === undefined
      ? []
      : [
          sh`journalctl -q --no-pager -f -o json --output-fields=${raw(fields)} ${from}${units(names)} &
j=$!`,
        ];
  return lines([
    sh`(while echo @B; do sleep ${beat}; done) &
b=$! j=`,
    ...journal,
    ...files.map(
      ({ path, inode, offset }, index) => sh`f=${path} o=${offset}
[ "$(stat -L -c %i -- "$f" 2>/dev/null)" = ${inode} ] && [ "$(stat -L -c %s -- "$f")" -ge "$o" ] || o=0
tail --pid="$b" -c "+$((o+1))" -F -- "$f" | grep -a --line-buffered -H --label=${index} ${""} &`,
    ),
    sh`wait "$b"
[ -z "$j" ] || kill "$j"`,
  ]);
}
