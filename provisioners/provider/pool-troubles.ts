// What an autoscaling group says of launches that came to nothing: it goes on trying, and nobody hears of it but who looks.
import type { Activity } from "@aws-sdk/client-auto-scaling";

/** So long ago is lately. */
const minutes = 30;
const failed: ReadonlySet<string> = new Set(["Failed", "Cancelled"]);

/** One sentence, with the newest reason; undefined where all went well lately. */
export function troubles(group: string, activities: readonly Activity[], now: Date): string | undefined {
  const since = now.getTime() - minutes * 60_000;
  const lately = activities.filter(({ StatusCode = "", StartTime }) => failed.has(StatusCode) && (StartTime?.getTime() ?? 0) >= since);
  const [newest] = [...lately].sort((a, b) => (b.StartTime?.getTime() ?? 0) - (a.StartTime?.getTime() ?? 0));
  if (!newest) return undefined;
  const why = newest.StatusMessage ?? newest.Description ?? "no reason given";
  const next = "next: `up` with a stack file whose servers come up; the group tries again until then";
  return `${group}: ${lately.length} launch(es) failed in the last ${minutes} minutes, the newest: ${why}; ${next}`;
}
