// Points in time in stack files: whatever form Pulumi has left them in becomes one in UTC.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Time } from "../../spec/time.ts";

describe("a time in a stack file", () => {
  test.each([
    ["2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"],
    ["2026-12-01T09:00:00.25Z", "2026-12-01T09:00:00Z"],
    ["2026-12-01T18:00:00+09:00", "2026-12-01T09:00:00Z"],
    ["2026-12-01 09:00:00 +0000 UTC", "2026-12-01T09:00:00Z"],
    ["2026-12-01 18:00:00 +0900 JST", "2026-12-01T09:00:00Z"],
    ["2026-12-01 18:00:00 +0900 +0900", "2026-12-01T09:00:00Z"],
    ["2026-12-01 09:00:00.5 +0000 UTC", "2026-12-01T09:00:00Z"],
    ["2028-02-29T09:00Z", "2028-02-29T09:00:00Z"],
  ])("`%s` is `%s`", (given, expected) => {
    expect(Time.parse(given)).toBe(expected);
  });

  // Without an offset it would mean another moment on each computer.
  test.each(["2026-12-01T09:00:00", "2026-12-01", "2026-02-30T09:00:00Z", "2026-13-01T09:00:00Z", "2026-12-01T25:00:00Z", "tomorrow", ""])(
    "`%s` is none",
    (given) => {
      expect(Time.safeParse(given).error?.issues[0]?.message).toBe("expected a time such as `2026-12-01T09:00:00Z`");
    },
  );

  test("what it gives, it takes; Go's words for a moment are the same moment", () => {
    const moments = fc.date({ min: new Date("2000-01-01"), max: new Date("2199-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(moments, (moment) => {
        const iso = moment.toISOString().replace(/\.\d+/, "");
        const go = `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000 UTC`;
        return Time.parse(iso) === iso && Time.parse(go) === iso;
      }),
    );
  });
});
