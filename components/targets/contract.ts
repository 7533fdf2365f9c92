// A target: where a fleet's servers are. It says by itself all that the rest of the product must know of it, so that nobody asks which one
// it is. Its wiring is its supplier (supplier.ts); what the commands do with it stands in cli/targets/.
import type { Facts, MountedVolume } from "../../provisioners/engine/facts.ts";
import type { Path } from "../../spec/path.ts";
import type { FleetSpec } from "../../spec/spec.ts";
import type { TargetRules, TargetSettings } from "../../spec/targets.ts";

/** A stack file's fleet on one target, whose settings are known to it alone. */
export type FleetOn<Settings extends TargetSettings> = Omit<FleetSpec, "target"> & { readonly target: Settings };

/** Where the plan is made. */
export interface Computer {
  /** Pulumi's name of the stack. */
  readonly stack: string;
  /** Of the computer that carries practice machines. */
  readonly cores: number;
  readonly architecture: Facts["architecture"];
}

/** Servers that nobody pushes to: one stands for all of them. */
export interface TargetPool {
  readonly name: string;
  /** In the stack file: `target.pools.web`. */
  readonly place: string;
  /** Undefined where its servers become something else than what roles make of them. */
  readonly roles?: readonly string[] | undefined;
  /** Its own text in their place, or the file below stacks/ that holds it. */
  readonly script?: string | undefined;
  readonly params: Record<string, Record<string, unknown>>;
  readonly declared: Partial<Facts>;
}

/** What Pulumi's engine needs for its resources. */
export interface EngineNeeds {
  /** Pulumi's own providers, by name. */
  readonly providers: readonly string[];
  /** Whether the policy pack has a say: where a mistake costs money or opens a door to everybody. */
  readonly policed: boolean;
  /** Whether what somebody changed by hand shows only to a refresh. Our own provider looks by itself. */
  readonly refreshed: boolean;
  /** Whether its servers may all be waited for at once, whatever the cores. */
  readonly allAtOnce: boolean;
  /** Of a stack whose secrets protect nothing, where nobody gave another. */
  readonly passphrase?: string;
}

/** How this computer reaches the servers. */
export interface Reached {
  /** Where their addresses are known: from the plan, or only from the state of what was made. */
  readonly by: "plan" | "state";
  /** Whether it reaches their other ports too, or the one of SSH alone. */
  readonly ports: "all" | "ssh";
}

/** As the engine shows a resource: a type token, and its inputs. */
export interface EngineResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** A resource that is there, as the state knows it. */
export interface MadeResource {
  readonly urn: string;
  readonly type: string;
  readonly delete?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** What a preview shows beside the changes. Prices are USD an hour; null where one is not known. */
export interface PreviewPart<Settings extends TargetSettings> {
  /** Of all that the stack file asks for. */
  price(fleet: FleetOn<Settings>, stack: string): number | null;
  priceOf(fleet: FleetOn<Settings>, resources: readonly EngineResource[]): number | null;
  /** Until when all of it goes on costing, in a few words; of no resources, what the stack file says. */
  ends(fleet: FleetOn<Settings>, resources: readonly EngineResource[]): string;
  /** Who may reach what, a line each. */
  flows(fleet: FleetOn<Settings>, stack: string): string;
}

/** Of what goes with a stack: its name, what it is, and what stays of it. */
export type Going = readonly [name: string, what: string, stays: string];

export interface Target<Settings extends TargetSettings = TargetSettings> extends TargetRules {
  readonly kind: Settings["kind"];
  readonly engine: EngineNeeds;
  /** What is known of a server before it is there, but for the sizes that the stack file gives it. */
  declared(fleet: FleetOn<Settings>, server: string, computer: Computer): Partial<Facts>;
  /** By which the team's other servers reach it. */
  privateAddress(fleet: FleetOn<Settings>, server: string, computer: Computer): string;
  volumes?(fleet: FleetOn<Settings>, server: string): readonly MountedVolume[];
  pools?(fleet: FleetOn<Settings>): readonly TargetPool[];
  /** Throws a UserError for what would be refused there, and shows only in the whole of the fleet. */
  refuse?(fleet: FleetOn<Settings>, stack: string): void;
  /** What this version knows nothing of: a slip, or newer than it is. Refused where nobody said `--no-table`. */
  unheard?(fleet: FleetOn<Settings>): readonly { readonly path: Path; readonly reason: string }[];
  /** What can't be made of what is there. */
  against?(fleet: FleetOn<Settings>, made: readonly MadeResource[]): readonly { readonly path: Path; readonly reason: string }[];
  /** Throws a UserError where whoever runs this must not touch the target. */
  admit?(fleet: FleetOn<Settings>): Promise<void>;
  /** Throws a UserError where what the stack file names is not there. Asked by the program, before it registers anything; a `down` does not. */
  there?(fleet: FleetOn<Settings>): Promise<void>;
  reached(fleet: FleetOn<Settings>): Reached;
  /**
   * The names of the machines of which only the state knows: as long as they are all there and stay, the state need not be written after each
   * step. Without, it is.
   */
  machines?(fleet: FleetOn<Settings>): readonly string[];
  /** What it adds to a preview; without, all costs nothing by the hour. */
  readonly preview?: PreviewPart<Settings>;
  /** What becomes of a server when the stack is taken away. */
  readonly fate: string;
  /** What goes beside the servers and what is on them. */
  going?(fleet: FleetOn<Settings>): readonly Going[];
}

/** For a registry of several: each is given the fleets of its own kind alone. */
export const defineTarget = <Settings extends TargetSettings>(target: Target<Settings>): Target<Settings> => target;

/** The fleet, where it is on this target. */
export const fleetOn = <Settings extends TargetSettings>(target: Target<Settings>, fleet: FleetSpec): FleetOn<Settings> | undefined =>
  fleet.target.kind === target.kind ? (fleet as FleetOn<Settings>) : undefined;
