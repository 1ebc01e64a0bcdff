// What was typed into a modal and may not be with the workspace yet: typing is sent behind, and before everything else.

import { act } from "./api.js";

/** Milliseconds after the last letter. */
const PATIENCE = 250;

export class Draft {
  constructor(me, view) {
    this.me = me;
    this.view = view;
    /** input → what was typed into it: as in Slack, it outlives every redrawing under the same id */
    this.typed = new Map();
    this.unsent = new Map();
    /** block_id → what the person's own client has against what they typed */
    this.refused = new Map();
    /** block_id → sentence under that input */
    this.errors = {};
    /** whether the sentences under the inputs were brought into view */
    this.seen = true;
    this.given = "{}";
    this.turn = Promise.resolve();
  }

  /** Take over what there is to be seen: the bot's sentences count until an input is touched. */
  take(view, errors) {
    this.state = view.state.values;
    this.labels = Object.fromEntries(view.blocks.filter((block) => block.type === "input").map((block) => [block.block_id, block.label.text]));
    if (JSON.stringify(errors) !== this.given) this.complain(errors);
  }

  complain(errors) {
    this.given = JSON.stringify(errors);
    this.errors = { ...errors };
    this.seen = Object.keys(errors).length === 0;
  }

  /** Return what blocks need to be drawn in this view; `mark` shows a sentence under an input. */
  where(mark) {
    return {
      key: this.view,
      held: (block, element) => {
        const name = nameOf(block, element);
        return this.typed.has(name) ? this.typed.get(name) : held(this.state[block.block_id]?.[element.action_id]);
      },
      error: (block) => this.errors[block.block_id] ?? "",
      press: async (_, element) => {
        await this.flush();
        return act({ do: "click", view: this.view, name: element.action_id });
      },
      enter: (block, element, what, { soon = false } = {}) => {
        if (what.do !== "suggest") {
          delete this.errors[block.block_id];
          mark(block.block_id, "");
        }
        return soon ? this.later(block, element, what.value) : this.now(block, element, what, mark);
      },
    };
  }

  later(block, element, text) {
    const name = nameOf(block, element);
    this.typed.set(name, text);
    this.unsent.set(name, { block: block.block_id, text });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PATIENCE);
  }

  async now(block, element, what, mark) {
    await this.flush();
    const told = await this.queue(() => act({ ...what, name: nameOf(block, element) }));
    if (!told.ok && told.blocked) mark(block.block_id, this.say(block.block_id, told.marks?.[block.block_id] ?? told.blocked));
    return told;
  }

  /** Send what was typed, in order; return what the client objects to, block_id → why. */
  async flush() {
    clearTimeout(this.timer);
    for (const [name, { block, text }] of [...this.unsent]) {
      this.unsent.delete(name);
      const told = await this.queue(() => act({ do: "type", name, value: text }));
      if (told.marks?.[block]) this.refused.set(block, told.marks[block]);
      else this.refused.delete(block);
    }
    await this.turn;
    return Object.fromEntries([...this.refused].filter(([block]) => block in this.labels));
  }

  queue(ask) {
    const turn = this.turn.then(ask);
    this.turn = turn.catch(() => {});
    return turn;
  }

  /** Put what the client objects to into a sentence under an input, and return it. */
  say(block, fragment) {
    const sentence = fragment === "is required" ? "Please fill this in: it is required." : `${this.labels[block] ?? block} ${fragment}.`;
    this.errors[block] = sentence;
    return sentence;
  }
}

function nameOf(block, element) {
  return block.type === "input" ? block.block_id : element.action_id;
}

/** Return what a state holds: its only key besides its type. */
function held(state) {
  const key = Object.keys(state ?? {}).find((name) => name !== "type");
  return (key && state[key]) ?? undefined;
}
