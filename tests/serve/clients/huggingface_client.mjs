// SPDX-License-Identifier: BSD-2-Clause
import assert from "node:assert/strict";
import test from "node:test";
import {InferenceClient} from "@huggingface/inference";
import {assertVectors, facts, metric, pictures, untilRefused, whileBusy} from "./facts.mjs";

const client = new InferenceClient();
const words = facts.url + "/models/org/clip";

test("classification", async () => {
    for (const type of ["image/png", "", undefined]) {
        const data = new Blob([pictures[0]], type === undefined ? {} : {type});
        const rows = await client.imageClassification({endpointUrl: facts.url, data});
        assert.deepEqual(rows.map((row) => row.label), facts.classes.slice(0, 5));
    }
});

test("zero-shot", async () => {
    const rows = await client.zeroShotImageClassification({endpointUrl: words, inputs: {image: new Blob([pictures[0]])},
        parameters: {candidate_labels: ["cat", "dog", "car"]}});
    assert.deepEqual(rows.map((row) => row.label).sort(), ["car", "cat", "dog"]);
});

test("features", async () => {
    assertVectors(await client.featureExtraction({endpointUrl: words, inputs: "a dog"}), ["dog"]);
    assertVectors(await client.featureExtraction({endpointUrl: words, inputs: ["a dog", "a car"]}), ["dog", "car"]);
});

test("overload: one request, no storm", async () => {
    const line = 'vit_http_requests_total{route="/",method="POST",code="429"}';
    const before = await metric(facts.busy_url, line);
    await whileBusy(async () => {
        const error = await untilRefused(() => client.featureExtraction({endpointUrl: facts.busy_url, inputs: "a dog"}));
        assert.match(error.message + JSON.stringify(error.httpResponse ?? ""), /come again/);
    });
    assert.equal(await metric(facts.busy_url, line), before + 1);
});
