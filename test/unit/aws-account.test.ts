// A stack file that names its account.
import { expect, test } from "vitest";
import { refuseOtherAccount } from "../../components/targets/aws/account.ts";
import { awsAnswers } from "../support/aws-answers.ts";
import { asked, fleet } from "../support/aws-samples.ts";
import { mockPulumi } from "../support/mock-pulumi.ts";

const region = "ap-northeast-1";
const accountId = "123456789012";

test("with its own credentials it goes on, with others' it stops, and where none is named nobody asks", async () => {
  await refuseOtherAccount({ region, accountId }, async () => accountId);
  await expect(refuseOtherAccount({ region, accountId }, async () => "210987654321")).rejects.toThrow(
    "target.accountId: expected to work in the account 123456789012, got 210987654321; next: another AWS_PROFILE",
  );
  let calls = 0;
  await refuseOtherAccount({ region }, async () => String(++calls));
  expect(calls).toBe(0);
});

test("the provider knows it too", async () => {
  const { resources } = await mockPulumi(fleet("team-a", asked({ accountId }, ["isu1"])), awsAnswers);
  const provider = resources.find(({ type }) => type === "pulumi:providers:aws");
  expect(JSON.parse(String(provider?.inputs.allowedAccountIds))).toEqual([accountId]);
  const { resources: any } = await mockPulumi(fleet("team-a", asked({}, ["isu1"])), awsAnswers);
  expect(any.find(({ type }) => type === "pulumi:providers:aws")?.inputs.allowedAccountIds).toBeUndefined();
});
