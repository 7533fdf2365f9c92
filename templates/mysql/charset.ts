// Character set and collation: a server whose two settings come from different files does not start where they disagree.

/** Collations that are not called `<charset>_general_ci` though they are their set's default, in MariaDB and MySQL alike. */
const defaultCollations: Readonly<Record<string, string>> = {
  ...{ big5: "big5_chinese_ci", cp932: "cp932_japanese_ci", dec8: "dec8_swedish_ci", eucjpms: "eucjpms_japanese_ci" },
  ...{ euckr: "euckr_korean_ci", gb18030: "gb18030_chinese_ci", gb2312: "gb2312_chinese_ci", gbk: "gbk_chinese_ci" },
  ...{ hp8: "hp8_english_ci", latin1: "latin1_swedish_ci", latin5: "latin5_turkish_ci", sjis: "sjis_japanese_ci" },
  ...{ swe7: "swe7_swedish_ci", tis620: "tis620_thai_ci", ujis: "ujis_japanese_ci", binary: "binary" },
};

/** What `utf8` means on every server that is supported: an alias, which the server itself never shows. */
export const unaliased = (name: string): string => name.toLowerCase().replace(/^utf8(?=_|$)/, "utf8mb3");

/** The set that a collation belongs to: the first word of its name. */
export const charsetOf = (collation: string): string => unaliased(collation).split("_")[0] ?? "";
export const collationOf = (charset: string): string => defaultCollations[unaliased(charset)] ?? `${unaliased(charset)}_general_ci`;

/**
 * Both settings, where one was given: the distribution's own file sets the other, and it is read too. Nothing where neither was given; a
 * sentence where the two that were given disagree.
 */
export function agreed(charset: string | undefined, collation: string | undefined): Readonly<Record<string, string>> | string {
  if (charset === undefined && collation === undefined) return {};
  if (charset === undefined) return { character_set_server: charsetOf(collation!), collation_server: collation! };
  if (collation === undefined) return { character_set_server: charset, collation_server: collationOf(charset) };
  if (charsetOf(collation) === unaliased(charset)) return { character_set_server: charset, collation_server: collation };
  return `expected a collation of \`${charset}\`, such as \`${collationOf(charset)}\`, got \`${collation}\`, which is of \`${charsetOf(collation)}\``;
}
