// A pool's server from a blank image to service, and out of it, with nobody who pushes: Debian's cloud-init reads the user data of the
// component from a metadata service, and the host speaks to AWS under its own names. The emulator keeps templates, groups, hooks, queues and
// buckets; the one action that it lacks, CompleteLifecycleAction, is answered by the front, which checks all signatures as well.

import { setTimeout as sleep } from "node:timers/promises";
import * as ec2 from "@aws-sdk/client-ec2";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { queueTakesFromBucket } from "../../components/targets/aws/policies.ts";
import { thumbnailPlan } from "../../components/targets/aws/thumbnails.ts";
import { fits } from "../../components/targets/aws/user-data.ts";
import { ensureImage } from "../../machines/image.ts";
import type { MachineSpec } from "../../machines/machine.ts";
import { nspawn } from "../../machines/nspawn/driver.ts";
import { sweep } from "../../machines/sweep.ts";
import { type Emulator, region, startEmulator } from "../support/aws-emulator.ts";
import { bootBlank, packages } from "../support/blank-host.ts";
import { openPlace, type Place } from "../support/ec2-place.ts";
import { inside } from "../support/fleet.ts";
import type { Instance } from "../support/metadata-service.ts";
import { ownNetwork, ownStack } from "../support/own.ts";
import { jpegSize, png } from "../support/picture.ts";
import { makePool, type PoolWish, userDataOf } from "../support/pool.ts";
import { soon } from "../support/soon.ts";

const [stack, network] = [ownStack("worker-host"), ownNetwork()];
const buckets = { input: "images-input", output: "images-output", plans: "images-plans" };
const account = "123456789012"; // the emulator's
const names = ["autoscaling", "ec2", "sqs", ...Object.values(buckets).map((bucket) => `${bucket}.s3`)];
const authorizedKey = `ssh-ed25519 ${"A".repeat(68)} nobody has its other half`;

const spec = (name: string, number: number): MachineSpec => ({
  stack,
  name,
  driver: "nspawn",
  cores: 1,
  memoryMiB: 1024,
  address: `${network}.${number}`,
  subnet: `${network}.0/24`,
  release: "bookworm",
  authorizedKey,
  packages,
});

let emulator: Emulator;
let place: Place;
const clients = () => ({ s3: new s3.S3Client({ region, forcePathStyle: true }), sqs: new sqs.SQSClient({ region }) });

/** Waits for what a host will do by itself, however busy this computer is; it fails with what was there last. */
async function eventually<T>(look: () => T | Promise<T>, right: (seen: T) => boolean): Promise<T> {
  const seconds = 240;
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (right(seen)) return seen;
    if (Date.now() > end) throw new Error(`not within ${seconds} s; last seen: ${JSON.stringify(seen)}`);
    await sleep(200);
  }
}

/** A pool of its own in the emulator, and its server on the bridge. */
async function launch(wish: PoolWish, number: number): Promise<Instance> {
  const machine = spec(wish.name, number);
  const instance = await makePool(wish, authorizedKey, place.credentials);
  place.metadata.instances.set(machine.address, instance);
  await bootBlank(machine, { certificate: place.aws.certificate, names: names.map((name) => `${name}.${region}.amazonaws.com`) });
  return instance;
}

const reportsOf = (group: string) =>
  place.aws.reports.filter((each) => each.group === group).map(({ hook, result }) => `${hook} ${result}`);

/** Returns what its server said to the launch hook; where it said nothing, the end of cloud-init's log. */
async function reported(group: string, count = 1): Promise<readonly string[]> {
  try {
    return await eventually(
      () => reportsOf(group),
      ({ length }) => length >= count,
    );
  } catch (error) {
    const { said } = await inside(stack, group, "tail -n 60 /var/log/cloud-init-output.log; journalctl -n 20 --no-pager");
    throw new Error(`${group}: ${error}; refused by AWS: ${place.aws.refused}\n${said}`);
  }
}

const looked = async (host: string, script: string): Promise<string> => {
  const { code, stdout, said } = await inside(stack, host, script);
  expect(code, said).toBe(0);
  return stdout.trim();
};

async function makePipeline(): Promise<string> {
  const { s3: storage, sqs: queues } = clients();
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  for (const Bucket of Object.values(buckets)) await storage.send(new s3.CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  const { QueueUrl } = await queues.send(new sqs.CreateQueueCommand({ QueueName: "images-queue" }));
  const arn = `arn:aws:sqs:${region}:${account}:images-queue`;
  const Policy = queueTakesFromBucket(arn, `arn:aws:s3:::${buckets.input}`, account);
  await queues.send(new sqs.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const QueueConfigurations = [{ QueueArn: arn, Events: ["s3:ObjectCreated:*" as const] }];
  const NotificationConfiguration = { QueueConfigurations };
  await storage.send(new s3.PutBucketNotificationConfigurationCommand({ Bucket: buckets.input, NotificationConfiguration }));
  return QueueUrl!;
}

describe.skipIf(process.getuid?.() !== 0)("a pool's server (these need root on Linux)", () => {
  let queue = "";

  beforeAll(async () => {
    await ensureImage(spec("images", 10));
    emulator = await startEmulator();
    Object.assign(process.env, emulator.env);
    place = await openPlace(spec("images", 10), region, emulator);
    queue = await makePipeline();
  });

  afterAll(async () => {
    await sweep(stack);
    await place?.close();
    await emulator?.stop();
  });

  describe("with its plan in the user data", () => {
    const environment = {
      REGION: region,
      QUEUE_URL: `https://sqs.${region}.amazonaws.com/${account}/images-queue`,
      OUTPUT_BUCKET: buckets.output,
      JOB_SECONDS: "20",
    };
    const wish = { name: "images", plan: thumbnailPlan(), environment };
    let instance: Instance;

    test("converges, and says that it may serve", async () => {
      instance = await launch(wish, 10);
      expect(await reported("images")).toEqual(["images-launch CONTINUE"]);
      expect(place.aws.reports[0]).toMatchObject({ instance: instance.id });
      const seen = "cloud-init status --wait >/dev/null; hostname; systemctl is-active fleet-worker-watch fleet-work";
      await soon(() => looked("images", seen)).toBe("images\nactive\nactive");
      expect(
        await looked("images", "grep -F WARNING /var/log/cloud-init.log || [ $? = 1 ]; sudo -l -U fleet-admin | sed -n '$s/^ *//p'"),
      ).toBe("(ALL) NOPASSWD: ALL");
    });

    test("was told by its user data alone, as EC2 would carry it", async () => {
      const userData = userDataOf(wish, authorizedKey);
      expect(fits(userData)).toBe(true);
      expect(await looked("images", "base64 -w 0 /var/lib/cloud/instance/user-data.txt")).toBe(Buffer.from(userData).toString("base64"));
      expect(await looked("images", "journalctl --no-pager -u ssh | grep -c Accepted || [ $? = 1 ]")).toBe("0");
    });

    test("makes a thumbnail of each picture that comes into the bucket", async () => {
      const { s3: storage, sqs: queues } = clients();
      const Key = "photos/a view +1.png";
      await storage.send(new s3.PutObjectCommand({ Bucket: buckets.input, Key, Body: png(640, 480) }));
      const made = await eventually(
        async () => (await storage.send(new s3.ListObjectsV2Command({ Bucket: buckets.output }))).Contents?.map((each) => each.Key) ?? [],
        ({ length }) => length > 0,
      );
      expect(made).toEqual([Key]);
      const { Body, ContentType } = await storage.send(new s3.GetObjectCommand({ Bucket: buckets.output, Key }));
      expect([ContentType, jpegSize(Buffer.from(await Body!.transformToByteArray()))]).toEqual(["image/jpeg", "320x240"]);
      const AttributeNames = ["ApproximateNumberOfMessages" as const, "ApproximateNumberOfMessagesNotVisible" as const];
      const left = async () => (await queues.send(new sqs.GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames }))).Attributes;
      await eventually(left, (seen) => AttributeNames.every((each) => seen?.[each] === "0"));
    });

    test("drains when the group takes it away, and then lets the group go on", async () => {
      instance.target = "Terminated";
      expect(await reported("images", 2)).toEqual(["images-launch CONTINUE", "images-drain CONTINUE"]);
      await soon(() => looked("images", "systemctl is-active fleet-work || [ $? = 3 ]")).toBe("inactive");
    });

    test("all of it signed and with tokens: its surroundings take nothing else", async () => {
      expect([place.aws.refused, place.metadata.withoutToken]).toEqual([[], []]);
      const { key, token } = place.credentials;
      const aws = `https://autoscaling.${region}.amazonaws.com/`;
      const ask = `code() { curl -s -o /dev/null -w '%{http_code} ' "$@"; }
code http://169.254.169.254/latest/meta-data/instance-id
code -d Action=CompleteLifecycleAction ${aws}
code -d Action=CompleteLifecycleAction --user ${key}:guess -H 'x-amz-security-token: ${token}' --aws-sigv4 aws:amz:${region}:autoscaling ${aws}`;
      expect(await looked("images", ask)).toBe("401 403 403");
      const asked = `POST autoscaling.${region}.amazonaws.com/`;
      expect(place.aws.refused).toEqual([`${asked}: MissingAuthenticationToken`, `${asked}: SignatureDoesNotMatch`]);
    });
  });

  const url = (key: string) => `https://${buckets.plans}.s3.${region}.amazonaws.com/${key}`;
  const small = "set -eu\necho converged >/root/plan-ran\n";
  const putPlan = (Key: string, Body: string) => clients().s3.send(new s3.PutObjectCommand({ Bucket: buckets.plans, Key, Body }));

  test("a pool of one takes over address and volume, and a plan from the bucket; without network it goes", async () => {
    const client = new ec2.EC2Client({ region });
    const { AllocationId: allocation = "" } = await client.send(new ec2.AllocateAddressCommand({ Domain: "vpc" }));
    const { VolumeId: volume = "" } = await client.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${region}a`, Size: 1 }));
    await putPlan("small.sh", small);
    const { id } = await launch({ name: "single", plan: small, planUrl: url("small.sh"), allocation, volume, fence: 10 }, 11);
    expect(await reported("single")).toEqual(["single-launch CONTINUE"]);
    expect(await looked("single", "cat /root/plan-ran")).toBe("converged");
    const { Addresses } = await client.send(new ec2.DescribeAddressesCommand({ AllocationIds: [allocation] }));
    const { Volumes } = await client.send(new ec2.DescribeVolumesCommand({ VolumeIds: [volume] }));
    expect([Addresses?.[0]?.InstanceId, Volumes?.[0]?.Attachments?.[0]?.InstanceId]).toEqual([id, id]);
    place.metadata.instances.delete(spec("single", 11).address);
    await eventually(
      async () => (await nspawn.read(spec("single", 11)))?.running,
      (running) => running === false,
    );
  });

  test("a plan that is not the one that was meant is not run, and the group gets another server", async () => {
    await putPlan("forged.sh", "echo forged >/root/plan-ran\n");
    await launch({ name: "forged", plan: small, planUrl: url("forged.sh") }, 12);
    expect(await reported("forged")).toEqual(["forged-launch ABANDON"]);
    await soon(() => looked("forged", "ls /root/plan-ran 2>&1 || systemctl is-active fleet-worker-watch || [ $? = 3 ]")).toMatch(
      /No such file.*\ninactive$/,
    );
  });

  test("a plan that fails keeps its server out of service", async () => {
    await launch({ name: "broken", plan: "set -eu\necho half >/root/plan-ran\nfalse\n" }, 13);
    expect(await reported("broken")).toEqual(["broken-launch ABANDON"]);
    await soon(() => looked("broken", "cat /root/plan-ran; systemctl is-active fleet-worker-watch || [ $? = 3 ]")).toBe("half\ninactive");
  });
});
