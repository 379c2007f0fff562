// SPDX-License-Identifier: BSD-2-Clause
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";
import {assertVectors, facts, untilRefused, whileBusy} from "./facts.mjs";

const client = new OpenAI({baseURL: facts.url + "/v1", apiKey: "none", maxRetries: 0});
const embed = async (members) => (await client.embeddings.create({model: "org/clip", ...members})).data.map((row) => row.embedding);

test("inputs", async () => {
    assertVectors(await embed({input: "a dog"}), ["dog"]);
    assertVectors(await embed({input: ["a dog", "a car"]}), ["dog", "car"]);
    assertVectors(await embed({input: ["a dog"], encoding_format: "float"}), ["dog"]);
    assertVectors(await embed({input: [{image: facts.base64[0]}, facts.uris[1]]}), ["picture 0", "picture 1"]);
    const messages = [{role: "user", content: [{type: "image_url", image_url: {url: facts.uris[0]}}]}];
    assertVectors(await embed({messages}), ["picture 0"]);
});

test("models", async () => {
    assert.deepEqual((await client.models.list()).data.map((model) => model.id), ["classifier", "org/clip"]);
    assert.equal((await client.models.retrieve("org/clip")).id, "org/clip");
});

test("errors", async () => {
    await assert.rejects(embed({model: "none", input: "a dog"}), (error) => error instanceof OpenAI.NotFoundError &&
        error.code === "model_not_found" && error.param === "model");
    await assert.rejects(embed({input: [[1, 2]]}), (error) => error instanceof OpenAI.UnprocessableEntityError &&
        error.code === "token_ids");
    const wrong = new OpenAI({baseURL: facts.keyed_url + "/v1", apiKey: "wrong"});
    await assert.rejects(wrong.models.retrieve("org/clip"), OpenAI.AuthenticationError);
});

test("overload", async () => {
    const ask = (maxRetries) => new OpenAI({baseURL: facts.busy_url + "/v1", apiKey: "none", maxRetries})
        .embeddings.create({model: "org/clip", input: "a dog"});
    await whileBusy(async (relax) => {
        const error = await untilRefused(() => ask(0));
        assert.ok(error instanceof OpenAI.RateLimitError);
        assert.match(error.message, /come again/);
        setTimeout(relax, 500); // by then it was refused once more, and waits before it comes again
        assertVectors([(await ask(10)).data[0].embedding], ["dog"]);
    });
});
