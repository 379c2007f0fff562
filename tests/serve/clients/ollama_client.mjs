// SPDX-License-Identifier: BSD-2-Clause
import assert from "node:assert/strict";
import test from "node:test";
import {Ollama} from "ollama";
import {assertVectors, facts} from "./facts.mjs";

const client = new Ollama({host: facts.url});

test("embed", async () => {
    assertVectors((await client.embed({model: "org/clip", input: ["a dog", "a car"]})).embeddings, ["dog", "car"]);
    assertVectors([(await client.embeddings({model: "org/clip", prompt: "a dog"})).embedding], ["dog"]);
    assert.deepEqual((await client.list()).models.map((model) => model.name), ["classifier", "org/clip"]);
    await assert.rejects(client.embed({model: "none", input: "a dog"}), /org\/clip/);
});
