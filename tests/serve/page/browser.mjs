// SPDX-License-Identifier: BSD-2-Clause
// A browser for the tests of the page. Each page is watched: it may ask its own server only, break no rule of its
// Content-Security-Policy, throw nothing, open no dialog of the browser, and keep its title.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { createRequire } from "node:module";

export const facts = JSON.parse(process.env.PAGE);
const require = createRequire(path.join(facts.packages, "package.json"));
const { chromium } = require("playwright-core");
export const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let browser;
before(async () => {
    browser = await chromium.launch({
        executablePath: facts.chromium,
        args: ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
               "--disable-dev-shm-usage", "--host-resolver-rules=MAP evil.example 127.0.0.1"],
    });
});
after(() => browser.close());

export const photo = (name) => path.join(facts.folder, "photos", name);

async function watched(server, {stranger, ...options}, work) {
    const url = `${facts.servers[server] || server}/`;
    const context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
    if (!stranger)
        await context.grantPermissions(["clipboard-write", "camera"], {origin: new URL(url).origin});
    const faults = [];
    const requests = [];
    context.on("request", (request) => {
        const asked = new URL(request.url());
        requests.push(asked);
        if (!["blob:", "data:"].includes(asked.protocol) && asked.origin !== new URL(url).origin)
            faults.push(`asked ${asked}`);
    });
    context.on("weberror", (error) => faults.push(`threw ${error.error()}`));
    context.on("dialog", (dialog) => faults.push(`dialog ${dialog.message()}`));
    context.on("console", (message) => {
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
            faults.push(`console: ${message.text()}`);
    });
    await context.exposeFunction("reportViolation", (what) => faults.push(`policy: ${what}`));
    await context.addInitScript(() => addEventListener("securitypolicyviolation",
        (event) => window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`)));
    await context.addInitScript(() => { // what this page copied: all pages share one clipboard
        if (!window.Clipboard)
            return;
        const write = Clipboard.prototype.writeText;
        Clipboard.prototype.writeText = async function (text) {
            await write.call(this, text);
            window.copied = text;
        };
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60000); // milliseconds: other work on the machine may hold the browser up
    page.on("filechooser", () => {}); // from now on; a test that waits for one would begin too late
    try {
        await page.goto(url);
        await work(page, requests);
        if (stranger)
            return;
        assert.equal(await page.title(), "vit");
        assert.deepEqual(faults, []);
    } finally {
        await context.close();
    }
}

const flows = [];

/* flow("what it shows", "server", async (page, requests) => ..., options of the browser). stranger: not our page, so that it
 * may do what it likes. */
export function flow(name, server, work, options = {}) {
    flows.push([name, () => watched(server, options, work)]);
}

/* To be called once, after all flows are named. */
export function runFlows() {
    describe("the page", {concurrency: 3}, () => flows.forEach(([name, work]) => test(name, work)));
}

/* A float of 32 bits may be written in several ways. */
export const sameFloats = (a, b) => assert.deepEqual(a.map(Math.fround), b.map(Math.fround));

export const ready = (page) => page.waitForSelector("#main:not([hidden])");

/* Waits until the answer of a card is there. */
export const answered = (page, id) => page.waitForSelector(`#${id}[aria-busy=false] .foot:not([hidden])`);

export async function sample(page, name = "cat.jpg") {
    await ready(page);
    await page.click(`#samples button[title="Try ${name}"]`);
    await page.waitForSelector(`#image[alt="${name}"]`);
}

export const bars = (page, id) => page.$$eval(`#${id} .bars li`, (rows) => rows.map((row) => [
    row.querySelector(".name").textContent, row.querySelector(".number").textContent,
    parseFloat(row.querySelector(".fill").style.width)]));

export async function post(server, where, body, key) {
    const answer = await fetch(`${facts.servers[server]}/${where}`, {
        method: "POST", body: body instanceof Uint8Array ? body : JSON.stringify(body),
        headers: key ? {Authorization: `Bearer ${key}`} : {}});
    assert.equal(answer.status, 200);
    return answer.json();
}

/* Has the page meet an event of dropping or pasting these files. */
export const bring = (page, kind, selector, files) => page.$eval(selector, (element, {kind, files}) => {
    const data = new DataTransfer();
    for (const {name, type, base64} of files)
        data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, {type}));
    const event = kind === "paste" ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
        : new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true});
    element.dispatchEvent(event);
}, {kind, files: files.map((file) => ({type: "image/png", ...file, base64: Buffer.from(file.bytes).toString("base64")}))});
