import { test } from "@jest/globals";
import fc from "fast-check";
import { Scheduler } from "./scheduler.ts";

test("events come by time, and at the same time in the order of scheduling", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), (delays) => {
      const scheduler = new Scheduler();
      delays.forEach((delay, index) => {
        scheduler.schedule(delay, 0, index, 0, null);
      });
      const expected = delays.map((delay, index) => ({ delay, index })).sort((a, b) => a.delay - b.delay);
      for (const { delay, index } of expected) {
        const event = scheduler.pop()!;
        if (event.target !== index || scheduler.nowUs !== delay) return false;
        scheduler.release(event);
      }
      return scheduler.pop() === undefined;
    }),
  );
});

test("a model with pops between pushes", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 9 })), { maxLength: 200 }), (steps) => {
      const scheduler = new Scheduler();
      let model: { at: number; id: number }[] = [];
      let id = 0;
      for (const delay of steps) {
        if (delay !== null) {
          scheduler.schedule(delay, 0, id, 0, null);
          model.push({ at: scheduler.nowUs + delay, id });
          id += 1;
          continue;
        }
        const event = scheduler.pop();
        const next = [...model].sort((a, b) => a.at - b.at || a.id - b.id)[0];
        if (event?.target !== next?.id) return false;
        if (event !== undefined) scheduler.release(event);
        model = model.filter((other) => other !== next);
      }
      return scheduler.length === model.length;
    }),
  );
});
