// SPDX-License-Identifier: BSD-2-Clause
// What a client's script is told by test_clients.py: where servers are, and what vectors must come back.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";

export const facts = JSON.parse(readFileSync(process.env.VIT_FACTS, "utf8"));
export const pictures = facts.base64.map((text) => Buffer.from(text, "base64"));

/** The vectors, as f32, are those of `vit embed`. */
export function assertVectors(rows, keys) {
    assert.equal(rows.length, keys.length);
    rows.forEach((row, i) => {
        const bytes = Buffer.from(Float32Array.from(row).buffer);
        assert.ok(bytes.equals(Buffer.from(facts.vectors[keys[i]], "base64")), keys[i]);
    });
}

export async function metric(url, line) {
    const text = await (await fetch(url + "/metrics")).text();
    const found = text.split("\n").find((sample) => sample.startsWith(line + " "));
    return found ? Number(found.slice(line.length + 1)) : 0;
}

/** Keeps the busy server's queue full while work runs, or until work calls what it is given. */
export async function whileBusy(work) {
    let over = false;
    const body = JSON.stringify({input: Array(400).fill(facts.base64[1]), modality: "image"});
    const ask = async () => {
        while (!over)
            await (await fetch(facts.busy_url + "/v1/embeddings", {method: "POST", body})).text();
    };
    const asking = [ask(), ask()];
    while (await metric(facts.busy_url, 'vit_queue_inputs{model="org/clip"}') < 2)
        await new Promise((resolve) => setTimeout(resolve, 10));
    try {
        return await work(() => over = true);
    } finally {
        over = true;
        await Promise.all(asking);
    }
}

/** Asks until it is refused; the error. */
export async function untilRefused(ask) {
    for (const end = Date.now() + 60000; Date.now() < end;) {
        try {
            await ask();
        } catch (error) {
            return error;
        }
    }
    throw new Error("never refused");
}
