// SPDX-License-Identifier: BSD-2-Clause
// How the page looks: axe-core finds nothing in any state, in both widths and both colour schemes. SCREENSHOTS=FOLDER keeps
// pictures of what was looked at.
import assert from "node:assert/strict";
import path from "node:path";
import { answered, axeSource, bring, facts, flow, photo, ready, runFlows, sample } from "./browser.mjs";
import fs from "node:fs";

const horse = fs.readFileSync(photo("horse.png"));

async function look(page, name) {
    await page.evaluate(axeSource);
    const {violations} = await page.evaluate(() => window.axe.run(document, {resultTypes: ["violations"]}));
    if (process.env.SCREENSHOTS)
        await page.screenshot({path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true});
    assert.deepEqual(violations.map((v) => [v.id, v.impact, v.nodes.map((n) => [n.html.slice(0, 120), n.failureSummary])]), []);
}

for (const colorScheme of ["light", "dark"])
    for (const width of [1280, 360]) {
        const options = {viewport: {width, height: 900}, colorScheme};
        const name = (state) => `${state}-${width}-${colorScheme}`;
        flow(name("empty"), "towers", async (page) => {
            await ready(page);
            await page.waitForFunction(() => [...document.querySelectorAll("#samples img")].every((i) => i.naturalWidth > 0));
            await look(page, name("empty"));
        }, options);
        flow(name("full"), "towers", async (page) => {
            await sample(page);
            await page.check("#attend");
            await bring(page, "drop", "#slot-1", [{name: "horse.png", bytes: horse}]);
            for (const id of ["words", "vector", "attention", "compare"])
                await answered(page, id);
            if (facts.index) {
                await page.click(".hit >> nth=1");
                await page.waitForSelector("#trail:not([hidden])");
                await page.waitForFunction(() => document.querySelectorAll(".hit img").length === document.querySelectorAll(".hit").length);
            }
            await page.click("#words >> text=as curl");
            await page.mouse.move(0, 0);
            await page.waitForTimeout(400); // the bars have come to rest
            await look(page, name("full"));
        }, options);
        flow(name("labels"), "evil", async (page) => {
            await sample(page);
            await answered(page, "labels");
            await page.waitForTimeout(400);
            await look(page, name("labels"));
        }, options);
        flow(name("words"), "words", async (page) => {
            await ready(page);
            await page.fill("#words-0", "a cat");
            await page.fill("#words-1", "a dog");
            await answered(page, "compare");
            await look(page, name("words"));
        }, options);
        flow(name("errors"), "towers", async (page) => {
            await ready(page);
            await page.selectOption("#model", "tiny");
            await bring(page, "drop", "#drop", [{name: "notes.txt", bytes: Buffer.from("hello"), type: "text/plain"}]);
            await page.waitForSelector("#picture .error");
            await page.route("**/v1/embeddings*", (route) => route.abort());
            await bring(page, "drop", "#drop", [{name: "horse.png", bytes: horse}]);
            await page.waitForSelector("#vector .error");
            await bring(page, "drop", "#drop", []);
            await look(page, name("errors"));
        }, options);
        flow(name("key"), "locked", async (page) => {
            await page.waitForSelector("#key-dialog[open]");
            await look(page, name("key"));
        }, options);
    }

runFlows();
