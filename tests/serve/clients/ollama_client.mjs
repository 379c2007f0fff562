// SPDX-License-Identifier: BSD-2-Clause
import assert from "node:assert/strict";
import test from "node:test";
import {Ollama} from "ollama";
import {assertVectors, facts, untilRefused, whileBusy} from "./facts.mjs";

const client = new Ollama({host: facts.url});

test("embed", async () => {
    const texts = Array(500).fill(["a dog", "a car"]).flat(), keys = Array(500).fill(["dog", "car"]).flat();
    assertVectors((await client.embed({model: "org/clip", input: texts})).embeddings, keys);
    assertVectors([(await client.embeddings({model: "org/clip", prompt: "a dog"})).embedding], ["dog"]);
    assert.deepEqual((await client.list()).models.map((model) => model.name), ["classifier", "org/clip"]);
    await assert.rejects(client.embed({model: "none", input: "a dog"}), /org\/clip/);
});

test("overload", async () => {
    const busy = new Ollama({host: facts.busy_url});
    const error = await whileBusy(() => untilRefused(() => busy.embed({model: "org/clip", input: "a dog"})));
    assert.match(error.message, /come again/);
});
