// SPDX-License-Identifier: BSD-2-Clause
// As Immich's server asks its machine-learning service: fetch and FormData, no headers of its own.
import assert from "node:assert/strict";
import test from "node:test";
import {assertVectors, facts, pictures} from "./facts.mjs";

async function predict(entries, payload, url = facts.url) {
    const form = new FormData();
    form.append("entries", JSON.stringify(entries));
    if (payload.image)
        form.append("image", new Blob([payload.image]));
    else
        form.append("text", payload.text);
    return fetch(new URL("/predict", url), {method: "POST", body: form});
}

const visual = (modelName) => ({clip: {visual: {modelName}}});
const textual = (modelName) => ({clip: {textual: {modelName, options: {language: "de"}}}});

test("picture and words", async () => {
    let answer = await (await predict(visual("ViT-B-32__openai"), {image: pictures[0]})).json();
    assertVectors([JSON.parse(answer.clip)], ["picture 0"]);
    assert.deepEqual([answer.imageWidth, answer.imageHeight], facts.size);
    answer = await (await predict(textual("ViT-B-32__openai"), {text: " a\n dog "})).json();
    assertVectors([JSON.parse(answer.clip)], ["dog"]);
});

test("wrong model, other tasks", async () => {
    assert.equal((await predict(visual("ViT-B-16__openai"), {image: pictures[0]})).status, 404);
    const face = {"facial-recognition": {detection: {modelName: "buffalo_l"}, recognition: {modelName: "buffalo_l"}}};
    assert.equal((await predict(face, {image: pictures[0]})).status, 501);
});

test("ping during full load", async () => {
    const many = JSON.stringify({input: Array(300).fill(facts.base64[1]), modality: "image"});
    let busy = true;
    const load = Promise.all([0, 1].map(async () => (await fetch(facts.words_url + "/v1/embeddings", {method: "POST", body: many})).text()))
        .then(() => busy = false);
    let pings = 0;
    while (busy) {
        const answer = await fetch(new URL("/ping", facts.words_url), {signal: AbortSignal.timeout(2000)});
        assert.equal(await answer.text(), "pong");
        pings++;
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await load;
    assert.ok(pings > 1);
});
