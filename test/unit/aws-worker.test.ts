// What a worker does at boot and on its way out, under dash, against a fake metadata service and a fake AWS.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { thumbnailPlan, thumbnailScript } from "../../components/targets/aws/thumbnails.ts";
import { type WorkerBoot, workerFiles, workerScript, workerUserData } from "../../components/targets/aws/worker-boot.ts";
import { FakeAwsHost } from "../support/fake-aws-host.ts";

const autoscaling = "https://autoscaling.eu-west-1.amazonaws.com/";
const ec2 = "https://ec2.eu-west-1.amazonaws.com/";
const state = "http://169.254.169.254/latest/meta-data/autoscaling/target-lifecycle-state";

let host: FakeAwsHost;
beforeEach(() => {
  host = new FakeAwsHost();
  host.answer(autoscaling, "");
});
afterEach(() => host.gone());

const boot = (more: Partial<WorkerBoot> = {}): WorkerBoot => ({
  region: "eu-west-1",
  group: "pool",
  launchHook: "pool-launch",
  drainHook: "pool-drain",
  plan: `printf converged >${host.root}/plan-ran\n`,
  drain: `echo drained >>${host.root}/ran`,
  fence: 0,
  ...more,
});
const script = (of: WorkerBoot) => workerScript(of, { plan: `${host.root}/plan.sh` });
/** What was reported to the group: hook and result. */
const reports = () =>
  host.lines("asked").flatMap((line) => /LifecycleHookName=(\S+) .*LifecycleActionResult=(\S+)/.exec(line)?.slice(1, 3).join(" ") ?? []);

describe("at boot", () => {
  test("converges, says that it may serve, and watches from then on", () => {
    const of = boot();
    host.put("plan.sh", of.plan);
    expect(host.run(script(of), "boot").code).toBe(0);
    expect([host.read("plan-ran"), reports(), host.lines("ran")]).toEqual([
      "converged",
      ["pool-launch CONTINUE"],
      ["systemctl enable --now fleet-worker-watch.service"],
    ]);
  });

  test("a group that does not take the report is not said to have taken it, and the watch runs all the same", () => {
    const of = boot();
    host.put("plan.sh", of.plan);
    host.answers(autoscaling, ["refuse"]);
    expect(host.run(script(of), "boot")).toEqual({ code: 1, said: "fleet-worker: pool-launch: the group did not take CONTINUE\n" });
    expect(host.lines("ran")).toEqual(["systemctl enable --now fleet-worker-watch.service"]);
  });

  test("whoever can't watch does not serve", () => {
    const of = boot();
    host.put("plan.sh", of.plan);
    host.put("bin/systemctl", "#!/bin/sh\nexit 1\n", 0o755);
    expect(host.run(script(of), "boot").code).toBe(1);
    expect(reports()).toEqual(["pool-launch ABANDON"]);
  });

  test("whoever fails to converge is abandoned", () => {
    const of = boot({ plan: "exit 3\n" });
    host.put("plan.sh", of.plan);
    expect(host.run(script(of), "boot")).toMatchObject({ code: 1, said: expect.stringContaining("not fit for service") });
    expect([reports(), host.lines("ran")]).toEqual([["pool-launch ABANDON"], []]);
  });

  test("a plan that is not the one that was meant is not run", () => {
    const of = boot({ planUrl: "https://plans.s3.eu-west-1.amazonaws.com/x.sh" });
    host.answer("https://plans.s3.eu-west-1.amazonaws.com/x.sh", "rm -rf /\n");
    expect(host.run(script(of), "boot").code).toBe(1);
    expect(reports()).toEqual(["pool-launch ABANDON"]);
  });

  test("a plan comes from the bucket, under its checksum", () => {
    const of = boot({ planUrl: "https://plans.s3.eu-west-1.amazonaws.com/x.sh" });
    host.answer("https://plans.s3.eu-west-1.amazonaws.com/x.sh", of.plan);
    expect(host.run(script(of), "boot").code).toBe(0);
    expect(host.read("plan-ran")).toBe("converged");
  });

  test("the role's key is in no argument", () => {
    const of = boot();
    host.put("plan.sh", of.plan);
    host.run(script(of), "boot");
    expect(host.lines("asked").join("\n")).not.toMatch(/AKIDEXAMPLE|secret|session-token/);
    expect(host.lines("config")).toEqual(['user = "AKIDEXAMPLE:the/secret+key"', 'header = "x-amz-security-token: the-session-token"']);
    expect(host.lines("asked")[0]).toContain("--aws-sigv4 aws:amz:eu-west-1:autoscaling");
  });

  test("the only server takes address and volume, and waits for the one before it to let go", () => {
    const of = boot({ allocation: "eipalloc-1", volume: "vol-1" });
    host.put("plan.sh", of.plan);
    host.answers(ec2, ["associated", "refuse", "refuse", "attached"]);
    expect(host.run(script(of), "boot").code).toBe(0);
    const actions = host.lines("asked").flatMap((line) => /Action=(\w+)/.exec(line)?.[1] ?? []);
    expect(actions).toEqual(["AssociateAddress", "AttachVolume", "AttachVolume", "AttachVolume", "CompleteLifecycleAction"]);
    expect(host.lines("ran").filter((line) => line === "sleep 10")).toHaveLength(2);
  });

  test("without its volume it does not serve", () => {
    const of = boot({ volume: "vol-1" });
    host.put("plan.sh", of.plan);
    expect(host.run(script(of), "boot").code).toBe(1);
    expect(reports()).toEqual(["pool-launch ABANDON"]);
  });
});

describe("on its way out", () => {
  test("drains when the group takes it away, then lets the group go on", () => {
    host.answers(state, ["InService", "InService", "Terminated"]);
    expect(host.run(script(boot()), "watch").code).toBe(0);
    expect(host.lines("ran")).toEqual(["sleep 5", "sleep 5", "drained"]);
    expect(reports()).toEqual(["pool-drain CONTINUE"]);
  });

  test("a report that the group does not take fails, so that systemd has it made again", () => {
    host.answer(state, "Terminated");
    host.answers(autoscaling, ["refuse"]);
    expect(host.run(script(boot()), "watch")).toMatchObject({ code: 1, said: expect.stringContaining("did not take CONTINUE") });
    expect(host.lines("ran")).toEqual(["drained"]);
  });

  test("drains when AWS takes the spot instance back", () => {
    host.answer(state, "InService");
    host.answers("http://169.254.169.254/latest/meta-data/spot/instance-action", ["refuse", '{"action": "terminate"}']);
    expect(host.run(script(boot()), "watch").code).toBe(0);
    expect(host.lines("ran")).toEqual(["sleep 5", "drained"]);
  });

  test("a drain that fails does not hold the group up", () => {
    host.answer(state, "Terminated");
    expect(host.run(script(boot({ drain: "exit 7" })), "watch")).toMatchObject({
      code: 0,
      said: expect.stringContaining("draining ended with 7"),
    });
    expect(reports()).toEqual(["pool-drain CONTINUE"]);
  });

  test("a single server without network powers off; one answer in between starts the count again", () => {
    host.answers(state, ["refuse", "refuse", "InService", "refuse", "refuse", "refuse"]);
    expect(host.run(script(boot({ fence: 15 })), "watch").code).toBe(0);
    expect(host.lines("ran")).toEqual([...Array.from({ length: 5 }, () => "sleep 5"), "systemctl poweroff"]);
  });
});

describe("its files", () => {
  test("hold the environment, quoted, and the plan only where it is not fetched", () => {
    const paths = (of: WorkerBoot) => workerFiles(of).map(({ path }) => path);
    expect(paths(boot())).toContain("/var/lib/fleet/plan.sh");
    expect(paths(boot({ planUrl: "https://x" }))).not.toContain("/var/lib/fleet/plan.sh");
    const environment = workerFiles(boot({ environment: { A: "it's", B: "plain" } })).find(({ path }) => path === "/etc/fleet/environment");
    expect(environment?.content).toBe("A='it'\\''s'\nB=plain\n");
  });

  test("the disks come before the plan", () => {
    const text = workerUserData(
      {
        ...{ server: "w", admin: "a", authorizedKey: "k", distribution: "debian" },
        commands: ["systemctl enable --now fleet-instance-store.service"],
      },
      boot(),
    );
    expect(text.indexOf("fleet-instance-store.service")).toBeLessThan(text.indexOf("fleet-worker boot"));
  });

  test("bring curl where the image has none; Amazon's own and the whole one exclude each other", () => {
    const packages = (distribution: "debian" | "amazon") =>
      parse(workerUserData({ server: "w", admin: "a", authorizedKey: "k", distribution, packages: ["xfsprogs"] }, boot())).packages;
    expect([packages("debian"), packages("amazon")]).toEqual([["curl", "xfsprogs"], ["xfsprogs"]]);
  });
});

describe("the sample worker", () => {
  const sqs = "https://sqs.eu-west-1.amazonaws.com/";
  const received = (records: unknown) => JSON.stringify({ Messages: [{ ReceiptHandle: "receipt-1", Body: JSON.stringify(records) }] });
  const putOf = (key: string) => ({ Records: [{ s3: { bucket: { name: "in" }, object: { key } } }] });
  const converts = 'for a in "$@"; do last=$a; done; echo thumbnail >"${last#jpeg:}"';

  /** One message, one delete; then the queue does not answer, and the pause before the next try brings the end. */
  function works(message: unknown, convert = converts): FakeAwsHost {
    host.gone();
    host = new FakeAwsHost({ convert, timeout: 'shift; exec "$@"', sleep: "kill -TERM $PPID" });
    host.answers(sqs, [received(message), "deleted"]);
    host.answer("https://in.s3.eu-west-1.amazonaws.com/cats/a%20b.jpg", "picture");
    host.answer("https://out.s3.eu-west-1.amazonaws.com/cats/a%20b.jpg", "");
    host.put("environment", "REGION=eu-west-1\nQUEUE_URL=https://q\nOUTPUT_BUCKET=out\nJOB_SECONDS=5\n");
    expect(host.run(thumbnailScript().replace(". /etc/fleet/environment", `. ${host.root}/environment`)).code).toBe(0);
    return host;
  }
  const asked = (of: FakeAwsHost, what: string) => of.lines("asked").filter((line) => line.includes(what));
  const deleted = (of: FakeAwsHost) => asked(of, "AmazonSQS.DeleteMessage").map((line) => /"ReceiptHandle":"([^"]*)"/.exec(line)?.[1]);

  test("puts a thumbnail under the same key, then deletes the message", () => {
    const done = works(putOf("cats/a+b.jpg"));
    expect(done.lines("ran")).toContainEqual(
      expect.stringMatching(/^convert -limit memory 256MiB .* jpeg:\S+\/in\[0\] -auto-orient -thumbnail 320x320 jpeg:\S+\/out$/),
    );
    expect(asked(done, ".s3.").map((line) => line.split(" ").at(-1))).toEqual([
      "https://in.s3.eu-west-1.amazonaws.com/cats/a%20b.jpg",
      "https://out.s3.eu-west-1.amazonaws.com/cats/a%20b.jpg",
    ]);
    expect(deleted(done)).toEqual(["receipt-1"]);
  });

  test.each([
    ["a picture that can't be converted", putOf("cats/a+b.jpg"), "exit 1"],
    ["a key that is no picture", putOf("run.sh"), converts],
    ["a picture that is gone", putOf("cats/gone.jpg"), converts],
    ["a body that is no event", "--max-redirect=99999999", converts],
  ])("leaves %s to the dead letters", (_, message, convert) => {
    expect(deleted(works(message, convert))).toEqual([]);
  });

  test("S3's own test message, which names no object, is done at once", () => {
    expect(deleted(works({ Service: "Amazon S3", Event: "s3:TestEvent" }))).toEqual(["receipt-1"]);
  });

  test("its plan is shell that dash takes", () => {
    host.put("plan.sh", thumbnailPlan());
    expect(host.run(`exec dash -n ${host.root}/plan.sh\n`)).toEqual({ code: 0, said: "" });
  });
});
