// Fills comments with blocks: between blocks where that is possible, else between the parts of one, which then says so.

export interface Block {
  /** Opens it; again where it goes on in the next comment. */
  readonly head: string;
  readonly body: readonly string[];
  readonly tail: string;
}

const gap = "\n\n";
const size = (text: string): number => Buffer.byteLength(text);

const textOf = ({ head, body, tail }: Block): string => [head, ...body, tail].filter((part) => part !== "").join(gap);

/** Cuts a block into such that fit the room, as few as possible. A part alone that is larger than the room is a fault of the caller's. */
function cut(block: Block, room: number): readonly Block[] {
  const frame = size(block.head) + size(block.tail) + 2 * gap.length;
  const pieces: string[][] = [[]];
  let used = frame;
  for (const part of block.body) {
    const more = size(part) + gap.length;
    if (frame + more > room) throw new RangeError(`a part of ${more} bytes does not fit a comment of ${room}`);
    if (used + more > room) {
      pieces.push([]);
      used = frame;
    }
    pieces.at(-1)!.push(part);
    used += more;
  }
  return pieces.map((body) => ({ ...block, body }));
}

/** The blocks in their order, in texts of at most `room` bytes. */
export function pack(blocks: readonly Block[], room: number): readonly string[] {
  const texts = blocks.flatMap((block) => (size(textOf(block)) <= room ? [block] : cut(block, room))).map(textOf);
  const comments: string[] = [];
  for (const text of texts) {
    const last = comments.at(-1);
    if (last !== undefined && size(last) + gap.length + size(text) <= room) comments[comments.length - 1] = last + gap + text;
    else comments.push(text);
  }
  return comments;
}
