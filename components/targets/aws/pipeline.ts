// Objects put into one bucket are worked on by a pool of servers, results land in another: S3, SQS, WorkerPool, S3.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { alarm } from "./alarm-resource.ts";
import { deadLetters, oldMessages } from "./alarms.ts";
import { bucket } from "./bucket.ts";
import { consumes, queueTakesFromBucket, reads, writes } from "./policies.ts";
import type { WorkerPoolArgs } from "./pool-args.ts";
import { visibilityFor } from "./scaling.ts";
import { type Ownership, type Tags, tagsOf } from "./tags.ts";
import { WorkerPool } from "./worker-pool.ts";

export interface PipelineArgs {
  readonly ownership: Ownership;
  /** Seconds that one job takes at most; the queue hides a message six times as long. */
  readonly jobSeconds: number;
  /** Seconds that a message may wait: the pool grows to keep it, and an alarm says when it doesn't. */
  readonly latency: number;
  /** Tries before a message goes to the dead letters. @default 3 */
  readonly tries?: number;
  /** Only objects whose key begins and ends so. @default all */
  readonly prefix?: string;
  readonly suffix?: string;
  /** Days until inputs and results go. @default never */
  readonly expireDays?: number;
  /** Its plan finds `REGION`, `QUEUE_URL`, `OUTPUT_BUCKET` and `JOB_SECONDS` in `/etc/fleet/environment`; thumbnails.ts has a sample. */
  readonly pool: Omit<WorkerPoolArgs, "ownership" | "backlog" | "statements" | "single">;
}

/** A day more than the source keeps: a message's age counts from its first queue. AWS keeps fourteen days at most. */
const retention = { source: 4 * 86_400, dead: 14 * 86_400 } as const;

/** Costs by use, beside its pool. */
export class Pipeline extends pulumi.ComponentResource {
  declare readonly inputBucket: pulumi.Output<string>;
  declare readonly outputBucket: pulumi.Output<string>;
  declare readonly queueUrl: pulumi.Output<string>;
  /** Messages that failed; `aws sqs start-message-move-task` sends them round again. */
  declare readonly deadLetterUrl: pulumi.Output<string>;
  declare readonly pool: WorkerPool;
  readonly #name: string;
  readonly #args: PipelineArgs;

  constructor(name: string, args: PipelineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("fleet:aws:Pipeline", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const store = { expireDays: args.expireDays };
    const input = bucket(`${name}-input`, { ...store, tags: this.#tags("input") }, { parent: this });
    const output = bucket(`${name}-output`, { ...store, tags: this.#tags("output") }, { parent: this });
    const { queue, dead } = this.#queues();
    this.#notify(input, queue);
    this.pool = this.#pool(input.bucket, output.bucket, queue);
    this.#alarms(queue, dead);
    this.inputBucket = input.bucket.bucket;
    this.outputBucket = output.bucket.bucket;
    this.queueUrl = queue.url;
    this.deadLetterUrl = dead.url;
    const { inputBucket, outputBucket, queueUrl, deadLetterUrl } = this;
    this.registerOutputs({ inputBucket, outputBucket, queueUrl, deadLetterUrl });
  }

  #tags(what: string): Tags {
    return tagsOf(this.#args.ownership, `${this.#name}-${what}`);
  }

  #queues(): { readonly queue: aws.sqs.Queue; readonly dead: aws.sqs.Queue } {
    const { jobSeconds, tries = 3 } = this.#args;
    const own = (what: string) => ({ name: `${this.#name}-${what}`, sqsManagedSseEnabled: true, tags: this.#tags(what) });
    const dead = new aws.sqs.Queue(`${this.#name}-dead`, { ...own("dead"), messageRetentionSeconds: retention.dead }, { parent: this });
    const redrivePolicy = dead.arn.apply((deadLetterTargetArn) => JSON.stringify({ deadLetterTargetArn, maxReceiveCount: tries }));
    const times = {
      visibilityTimeoutSeconds: visibilityFor(jobSeconds),
      receiveWaitTimeSeconds: 20,
      messageRetentionSeconds: retention.source,
    };
    const queue = new aws.sqs.Queue(`${this.#name}-queue`, { ...own("queue"), ...times, redrivePolicy }, { parent: this });
    const redriveAllowPolicy = queue.arn.apply((arn) => JSON.stringify({ redrivePermission: "byQueue", sourceQueueArns: [arn] }));
    new aws.sqs.RedriveAllowPolicy(`${this.#name}-dead`, { queueUrl: dead.url, redriveAllowPolicy }, { parent: this });
    return { queue, dead };
  }

  /** The bucket's one notification: a second one would replace it. It is refused while the queue does not take its messages. */
  #notify(input: ReturnType<typeof bucket>, queue: aws.sqs.Queue): void {
    const account = aws.getCallerIdentityOutput({}, { parent: this }).accountId;
    const policy = pulumi
      .all([queue.arn, input.bucket.arn, account])
      .apply((parts) => queueTakesFromBucket(...(parts as [string, string, string])));
    const takes = new aws.sqs.QueuePolicy(`${this.#name}-queue`, { queueUrl: queue.url, policy }, { parent: this });
    const { prefix, suffix } = this.#args;
    const only = { ...(prefix !== undefined && { filterPrefix: prefix }), ...(suffix !== undefined && { filterSuffix: suffix }) };
    const queues = [{ queueArn: queue.arn, events: ["s3:ObjectCreated:*"], ...only }];
    const args = { bucket: input.bucket.id, queues };
    new aws.s3.BucketNotification(`${this.#name}-input`, args, { parent: this, dependsOn: [takes, ...input.ready] });
  }

  #pool(input: aws.s3.Bucket, output: aws.s3.Bucket, queue: aws.sqs.Queue): WorkerPool {
    const { pool, ownership, jobSeconds, latency } = this.#args;
    const statements = pulumi
      .all([queue.arn, input.arn, output.arn])
      .apply(([queueArn, from, to]) => [consumes(queueArn), reads("ReadInput", `${from}/*`), writes("WriteOutput", `${to}/*`)]);
    const backlog = { latency, perMessage: jobSeconds, queueName: queue.name };
    const own = { REGION: pool.region, QUEUE_URL: queue.url, OUTPUT_BUCKET: output.bucket, JOB_SECONDS: String(jobSeconds) };
    const environment = { ...pool.environment, ...own };
    return new WorkerPool(`${this.#name}-workers`, { ...pool, ownership, backlog, statements, environment }, { parent: this });
  }

  #alarms(queue: aws.sqs.Queue, dead: aws.sqs.Queue): void {
    const watch = (what: string, of: aws.sqs.Queue, data: typeof deadLetters) =>
      alarm(
        `${this.#name}-${what}`,
        data,
        { dimensions: { QueueName: of.name }, actions: [this.pool.topicArn], tags: this.#tags(what) },
        { parent: this },
      );
    watch("dead-letters", dead, deadLetters);
    watch("old-messages", queue, oldMessages(this.#args.latency));
  }
}
