/** Questions of the worker: what the user recognises a prompt by. */

import { expect, test } from "vitest";
import { parseAsk } from "../../../web/protocol/asks";

const ASK = { ask: "introduce", id: 1, call: 2, operation: "Set up", origin: "https://app.example" };
const RECOGNITION = { phrase: "blue harbour lamp", colour: "#00a1ff" };

test("a question brings the words and the colour of its user", () => {
  expect(parseAsk({ ...ASK, recognition: RECOGNITION })?.recognition).toEqual(RECOGNITION);
});

test.each<[string, unknown]>([
  ["a name", "red"],
  ["a function of style sheets", "#url()"],
  ["upper case", "#00A1FF"],
  ["too short", "#0af"],
  ["a line end behind it", "#00a1f\n"],
  ["no text", 0x00a1ff],
])("a colour that is %s is no recognition", (_, colour) => {
  expect(parseAsk({ ...ASK, recognition: { ...RECOGNITION, colour } })?.recognition).toBeNull();
});

test("where nothing is recognised the question is asked all the same", () => {
  expect(parseAsk({ ...ASK, recognition: null })).toMatchObject({ ask: "introduce", recognition: null });
});
