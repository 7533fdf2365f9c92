// The table of instance types: what it says, its known pitfalls, and that the generator writes the same file.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { mostOf } from "../../components/targets/aws/cost.ts";
import { pricedRegions, priceIn } from "../../components/targets/aws/facts/prices.ts";
import { factsOnAws } from "../../components/targets/aws/facts/servers.ts";
import {
  elsewhere,
  familyOf,
  findType,
  type InstanceType,
  instanceType,
  instanceTypes,
  priceList,
  storeGB,
  typeOrGuess,
  unknownType,
} from "../../components/targets/aws/facts/types.ts";
import { pricesIn } from "../../components/targets/aws/generate-prices.ts";
import { answersIn, byFamilyAndSize, rowOf, rowsFrom, tableText } from "../../components/targets/aws/generate-types.ts";
import { emulatorPython } from "../support/aws-emulator.ts";

const families = [
  ...[
    "i2",
    "hi1",
    "i3",
    "i3en",
    "i4i",
    "i4g",
    "im4gn",
    "is4gen",
    "i7i",
    "i7ie",
    "i8g",
    "i8ge",
    "d2",
    "d3",
    "d3en",
    "h1",
    "x1",
    "x2gd",
    "z1d",
  ],
  ...["c5d", "m5d", "r5d", "c6id", "m6id", "r6id", "c6gd", "m6gd", "r6gd", "c7gd", "m7gd", "r7gd", "c8gd", "m8gd", "r8gd", "x2idn", "g4dn"],
];

test("holds every storage family", () => {
  const withDisks = new Set(instanceTypes.filter(({ disks }) => disks > 0).map(({ type }) => familyOf(type)));
  expect(families.filter((family) => !withDisks.has(family))).toEqual([]);
  expect(withDisks.size).toBeGreaterThan(60);
});

test("holds the everyday ones, and what the emulator says of each", async () => {
  const everyday =
    "t3.nano t2.micro t3a.medium c5.9xlarge c5a.large c6a.large c8g.large m5.large m6i.large m7a.large m7g.large m8g.large r5.large r7i.large";
  expect(everyday.split(" ").filter((type) => !findType(type))).toEqual([]);
  expect(instanceTypes.length).toBeGreaterThan(1_300);
  const python = await emulatorPython();
  const resources = execFileSync(python, ["-c", "import moto.ec2, os; print(os.path.dirname(moto.ec2.__file__))"], {
    encoding: "utf8",
  }).trim();
  expect([...rowsFrom(answersIn(`${resources}/resources/instance_types.json.gz`))].sort(byFamilyAndSize)).toEqual(instanceTypes);
});

test("the number of disks does not grow with the size", () => {
  for (const family of ["i3en", "i7ie", "i8ge"]) {
    const disks = ["2xlarge", "3xlarge", "6xlarge"].map((size) => instanceType(`${family}.${size}`));
    expect(disks.map(({ disks, diskGB }) => `${disks}×${diskGB}`)).toEqual(["2×2500", "1×7500", "2×7500"]);
  }
});

test("known machines are as their users wrote them down", () => {
  expect(instanceType("i2.8xlarge")).toEqual({
    type: "i2.8xlarge",
    arch: "amd64",
    vcpu: 32,
    memoryGiB: 244,
    disks: 8,
    diskGB: 800,
    media: "ssd",
    nvme: false,
    xen: true,
    pricePerHour: 6.82,
  });
  expect(instanceType("hi1.4xlarge")).toMatchObject({ disks: 2, diskGB: 1024, nvme: false, pricePerHour: null });
  expect(instanceType("d3.8xlarge")).toMatchObject({ disks: 24, media: "hdd", nvme: true });
  expect([instanceType("i3.large").xen, instanceType("i3.metal").xen, instanceType("i4g.large").arch]).toEqual([true, false, "arm64"]);
  expect(storeGB(instanceType("i4i.8xlarge"))).toBe(7500);
});

test("every row is whole", () => {
  const price = ({ pricePerHour, vcpu }: InstanceType) => (pricePerHour === null ? 0.1 : pricePerHour / vcpu);
  const broken = instanceTypes.filter(
    (type) =>
      !(type.vcpu > 0 && type.memoryGiB > 0 && price(type) > 0.003 && price(type) < 0.3) ||
      type.disks > 0 !== (type.media !== null) ||
      type.diskGB > 0 !== type.disks > 0 ||
      (type.nvme && type.disks === 0),
  );
  expect(broken).toEqual([]);
});

test("names are unique, prices elsewhere are of known types", () => {
  expect(new Set(instanceTypes.map(({ type }) => type)).size).toBe(instanceTypes.length);
  for (const prices of Object.values(elsewhere)) for (const type of Object.keys(prices)) expect(findType(type)).toBeDefined();
});

describe("prices of regions", () => {
  const types = ["c9.large", "c9.xlarge", "c9.2xlarge", "c9.4xlarge", "c9.metal"].map((type, at) => ({
    ...instanceType("c5.large"),
    ...{ type, vcpu: 2 ** (at + 1), memoryGiB: 2 ** (at + 2) },
  }));
  const prices = (...of: readonly number[]) => {
    const given = Object.fromEntries(types.flatMap(({ type }, at) => (of[at] === undefined ? [] : [[type, { here: of[at] }]])));
    return Object.fromEntries(pricesIn("here", given, types));
  };

  test("are those that agree within their family; a dedicated one's, and none, follow from the others", () => {
    const family = { "c9.large": 0.1, "c9.xlarge": 0.2, "c9.2xlarge": 0.4 };
    expect(prices(0.1, 0.2, 0.4, 0.848)).toEqual({ ...family, "c9.4xlarge": 0.8 });
    expect(prices(0.1, 0.2, 0.4, 0)).toEqual({ ...family, "c9.4xlarge": 0.8 });
    expect(prices(0.1, 0.2, 0.4)).toEqual(family);
    // Bare metal is charged as it likes.
    expect(prices(0.1, 0.2, 0.4, 0, 9)).toEqual({ ...family, "c9.4xlarge": 0.8 });
  });

  test("that nothing agrees with are unknown", () => {
    expect(prices(0.1, 0.3)).toEqual({});
    expect(prices(0.1, 0.212, 0.5)).toEqual({});
  });

  test("are there for the everyday types of six regions, plausible beside us-east-1's", () => {
    expect(pricedRegions).toEqual(["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1", "ap-southeast-1"]);
    for (const region of pricedRegions) {
      const known = instanceTypes.filter(({ type }) => priceIn(type, region));
      expect(known.length, region).toBeGreaterThan(550);
      for (const type of ["c5.large", "c6i.large", "m5.large", "t3.small", "r5.large"])
        expect(priceIn(type, region), `${type} in ${region}`).toBeDefined();
      const odd = known.filter(({ type }) => {
        const [there, here] = [priceIn(type, region)!.perHour, priceIn(type, "us-east-1")?.perHour];
        return here !== undefined && !(there / here > 0.97 && there / here < 1.6);
      });
      expect(odd.map(({ type }) => `${type} ${region}`)).toEqual([]);
    }
  });

  test("do not contradict what is known of us-east-1 from elsewhere", () => {
    const file = JSON.parse(readFileSync(new URL("../../components/targets/aws/facts/region-prices.json", import.meta.url), "utf8"));
    const both = instanceTypes.filter(({ type, pricePerHour }) => pricePerHour !== null && file.prices[type]?.[0] != null);
    expect(both.length).toBeGreaterThan(60);
    expect(
      both.filter(({ type, pricePerHour }) => Math.abs(file.prices[type][0] / pricePerHour! - 1) > 0.01).map(({ type }) => type),
    ).toEqual([]);
  });
});

test("a slip of the pen is met with the right name", () => {
  expect(() => instanceType("i4i.2xlrge")).toThrow("got `i4i.2xlrge`; did you mean `i4i.2xlarge`?");
});

test("the file is what the generator writes", () => {
  const file = readFileSync(new URL("../../components/targets/aws/facts/instance-types.json", import.meta.url), "utf8");
  expect(tableText(instanceTypes, priceList.date)).toBe(file);
});

describe("a row from EC2's own word", () => {
  test("with disks", () => {
    const info = {
      InstanceType: "i3en.2xlarge" as const,
      Hypervisor: "nitro" as const,
      ProcessorInfo: { SupportedArchitectures: ["x86_64" as const] },
      VCpuInfo: { DefaultVCpus: 8 },
      MemoryInfo: { SizeInMiB: 65536 },
      InstanceStorageInfo: { NvmeSupport: "required" as const, Disks: [{ SizeInGB: 2500, Count: 2, Type: "ssd" as const }] },
    };
    expect(rowOf(info, 0.904)).toEqual(instanceType("i3en.2xlarge"));
  });

  test("without, and with disks of two sizes, which the table can't say", () => {
    const plain = { InstanceType: "c5.large" as const, VCpuInfo: { DefaultVCpus: 2 }, MemoryInfo: { SizeInMiB: 4096 } };
    expect(rowOf(plain, 0.085)).toEqual(instanceType("c5.large"));
    const mixed = {
      ...plain,
      InstanceStorageInfo: {
        Disks: [
          { SizeInGB: 1, Count: 1 },
          { SizeInGB: 2, Count: 1 },
        ],
      },
    };
    expect(() => rowOf(mixed, null)).toThrow("expected disks of one size, got 2 sizes");
  });
});

describe("a type that is newer than the table", () => {
  test("is read from its name as every row of the table could be: architecture, and processors by the size", () => {
    const odd = /^(?:[tugp]|vt|dl|inf|trn|hpc|f|hi|h1|d2|x1|z1d|m1|m2|c1|cc|cr|cg)/;
    const rows = instanceTypes.filter(({ type }) => !odd.test(type) && !/metal|nano|micro|small|medium/.test(type));
    expect(rows.length).toBeGreaterThan(700);
    const guess = ({ type }: { type: string }) => typeOrGuess(type.replace(/^([a-z]+)\d/, "$199"));
    const wrong = rows.filter((row) => guess(row).arch !== row.arch || guess(row).vcpu !== row.vcpu).map(({ type }) => type);
    // Two of the oldest families break the rule; a new one won't.
    expect(wrong.filter((type) => !/^(?:a1\.|c4\.8xlarge$)/.test(type))).toEqual([]);
  });

  test("has no price, no memory and no disks that anything could be computed from", () => {
    expect(typeOrGuess("m99gd.2xlarge")).toMatchObject({
      arch: "arm64",
      vcpu: 8,
      memoryGiB: 0,
      disks: 0,
      pricePerHour: null,
      guessed: true,
    });
    expect(factsOnAws("m99gd.2xlarge", "debian-12")).toEqual({
      architecture: "arm64",
      container: false,
      cloudInit: true,
      distribution: "debian",
      version: "12",
      packageManager: "apt",
    });
    expect(mostOf("m99gd.2xlarge")).toBe(2);
    expect([unknownType("c5.large"), unknownType("c5.lage")]).toEqual([undefined, expect.stringContaining("did you mean `c5.large`?")]);
  });
});
