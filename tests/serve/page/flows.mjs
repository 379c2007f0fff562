// SPDX-License-Identifier: BSD-2-Clause
// Every flow of the page, by mouse and by keyboard; what is shown is compared with what the server answers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { answered, bars, bring, facts, flow, photo, post, ready, runFlows, sameFloats, sample } from "./browser.mjs";

const cat = fs.readFileSync(photo("cat.jpg")), horse = fs.readFileSync(photo("horse.png"));
const percent = (score) => `${(100 * score).toFixed(1)} %`;
const shown = (predictions) => predictions.map((p) => [p.label, percent(p.score)]);
const withoutWidth = (rows) => rows.map(([name, number]) => [name, number]);
const copied = async (page) => JSON.parse(await page.evaluate(() => window.copied));
const alerts = (page, id) => page.textContent(`#${id} [role=alert]`);

async function checkLabels(page, picture = cat, model = "tiny", server = "towers") {
    await answered(page, "labels");
    const {predictions} = await post(server, `v1/classify?model=${model}&top_k=5`, picture);
    const rows = await bars(page, "labels");
    assert.deepEqual(withoutWidth(rows), shown(predictions));
    rows.forEach(([, , width], i) => assert.ok(Math.abs(width - 100 * predictions[i].score) < 0.01));
    const said = await page.textContent("#labels [role=status]");
    assert.ok(said.startsWith(`${predictions[0].label} ${percent(predictions[0].score)}, `), said);
}

const chooseTiny = async (page) => {
    await ready(page);
    await page.selectOption("#model", "tiny");
};

async function chooseByKeyboard(page, selector, file) {
    await page.focus(selector);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
    await chooser.setFiles(file);
}

/* ------------------------------------------------------------------ pictures in ---- */

flow("a sample gives labels at once", "towers", async (page) => {
    await chooseTiny(page);
    await sample(page);
    await checkLabels(page);
    assert.match(await page.textContent("#caption"), /^cat\.jpg, 17 kB, 240 × 240$/);
});

flow("a file is chosen by mouse, and by keyboard", "towers", async (page) => {
    await chooseTiny(page);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#choose")]);
    await chooser.setFiles(photo("cat.jpg"));
    await page.waitForSelector('#image[alt="cat.jpg"]');
    await checkLabels(page);
    await chooseByKeyboard(page, "#choose", photo("horse.png"));
    await page.waitForSelector('#image[alt="horse.png"]');
    await page.waitForFunction(() => document.querySelector("#labels .name").textContent !== "cat");
    await checkLabels(page, horse);
});

flow("a picture is dropped; a second one is compared", "towers", async (page) => {
    await chooseTiny(page);
    await bring(page, "dragover", "#hint", []);
    assert.ok(await page.$("#drop.over"));
    await bring(page, "drop", "#hint", [{name: "a.jpg", bytes: cat}, {name: "b.png", bytes: horse}]);
    assert.equal(await page.$(".over"), null);
    await checkLabels(page);
    await answered(page, "compare");
    assert.equal(await page.getAttribute("#slot-0 img", "alt"), "a.jpg");
    assert.equal(await page.getAttribute("#slot-1 img", "alt"), "b.png");
    await bring(page, "drop", "#slot-1", [{name: "c.jpg", bytes: cat}]);
    await page.waitForFunction(() => document.querySelector(".cosine b").textContent === "1.0000");
});

flow("a picture is pasted", "towers", async (page) => {
    await chooseTiny(page);
    await bring(page, "paste", "body", [{name: "image.png", bytes: cat}]);
    await checkLabels(page);
});

flow("a photo is taken, by keyboard", "towers", async (page) => {
    await chooseTiny(page);
    await page.focus("#camera");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("video").videoWidth > 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), "camera-take");
    await page.keyboard.press("Enter");
    await page.waitForSelector('#image[alt="photo.jpg"]');
    await answered(page, "labels");
    assert.equal(await page.evaluate(() => document.getElementById("video").srcObject), null);
});

flow("a telephone takes the photo by itself", "towers", async (page) => {
    await ready(page);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.tap("#camera")]);
    assert.equal(await chooser.element().getAttribute("capture"), "environment");
    await chooser.setFiles(photo("cat.jpg"));
    await page.waitForSelector('#image[alt="cat.jpg"]');
}, {viewport: {width: 360, height: 640}, isMobile: true, hasTouch: true});

flow("a picture that is larger than the server takes", "towers", async (page) => {
    await chooseTiny(page);
    const file = path.join(facts.folder, "large.jpg");
    fs.writeFileSync(file, Buffer.concat([cat, Buffer.alloc(40e6)]));
    await page.setInputFiles("#file", file);
    await page.waitForSelector(".error");
    assert.match(await page.textContent(".error"), /--max-body/);
});

/* ------------------------------------------------------------------ words ---- */

flow("words are scored as they are typed", "towers", async (page, requests) => {
    await sample(page);
    await answered(page, "words");
    const count = () => requests.filter((url) => url.pathname === "/v1/classify").length;
    const before = count();
    await page.fill("#words-list", "");
    await page.waitForSelector("#words .empty");
    await page.$eval("#words-list", (area) => { // faster than the page waits
        for (const letter of "a dog, red\na cat\n\n  a car  ") {
            area.value += letter;
            area.dispatchEvent(new InputEvent("input", {bubbles: true}));
        }
    });
    await page.waitForFunction(() => document.querySelectorAll("#words .bars li").length === 3);
    assert.equal(count() - before, 1);
    const body = {model: "clip", image: cat.toString("base64"), labels: ["a dog, red", "a cat", "a car"], top_k: 3};
    let {predictions} = await post("towers", "v1/classify", {...body, template: "a photo of {}"});
    assert.deepEqual(withoutWidth(await bars(page, "words")), shown(predictions));
    const unlike = (await bars(page, "words")).map(String).join();
    await page.fill("#template", "the big {}");
    await page.waitForFunction((old) => document.querySelector("#words .bars") &&
        [...document.querySelectorAll("#words .number")].map((e) => e.textContent).join() !== old,
        (await page.$$eval("#words .number", (rows) => rows.map((e) => e.textContent))).join());
    ({predictions} = await post("towers", "v1/classify", {...body, template: "the big {}"}));
    assert.deepEqual(withoutWidth(await bars(page, "words")), shown(predictions));
    assert.notEqual((await bars(page, "words")).map(String).join(), unlike);
    await page.fill("#template", "no place");
    await page.waitForFunction(() => document.querySelector("#words .error"));
    assert.match(await alerts(page, "words"), /lacks \{\}.*Write \{\} where/);
    await page.fill("#template", "{}");
    await page.waitForSelector("#words .bars");
    assert.equal(await page.$("#words .error"), null);
});

/* ------------------------------------------------------------------ attention ---- */

flow("attention lies over the part that the model sees", "towers", async (page, requests) => {
    await sample(page, "rocket.jpg");
    await page.focus("#attend");
    await page.keyboard.press("Space");
    await page.waitForSelector("#heat:not([hidden])");
    await answered(page, "attention");
    const rocket = fs.readFileSync(photo("rocket.jpg"));
    const whole = await post("towers", "v1/attention?model=clip", rocket);
    const [left, top, width, height] = whole.region;
    assert.ok(left > 0.1 && Math.abs(top) < 0.01 && width < 0.8, String(whole.region));
    const box = await page.evaluate(() => {
        const heat = document.getElementById("heat").getBoundingClientRect(), image = document.getElementById("image").getBoundingClientRect();
        return [(heat.left - image.left) / image.width, (heat.top - image.top) / image.height, heat.width / image.width, heat.height / image.height];
    });
    [left, top, width, height].forEach((part, i) => assert.ok(Math.abs(part - box[i]) < 0.005, `${box} ${whole.region}`));
    assert.deepEqual(await page.$eval("#heat", (canvas) => [canvas.height, canvas.width]), whole.grid);
    assert.equal(await page.textContent("#layer-value"), `${whole.depth - 1} (0 to ${whole.depth - 1})`);
    const pixels = () => page.$eval("#heat", (canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data].join());
    const before = await pixels();
    await page.focus("#layer");
    await page.keyboard.press("Home");
    await page.focus("#head");
    await page.keyboard.press("End");
    await page.waitForFunction(() => /Block 0, head 2:/.test(document.querySelector("#attention [role=status]").textContent));
    const asked = requests.filter((url) => url.pathname === "/v1/attention").pop();
    assert.deepEqual([asked.searchParams.get("layer"), asked.searchParams.get("head")], ["0", "2"]);
    assert.notEqual(await pixels(), before);
    assert.equal(await page.getAttribute("#head", "aria-valuetext"), "2 (0 to 2)");
    await page.click("#attend");
    assert.ok(await page.isHidden("#heat"));
});

/* ------------------------------------------------------------------ two side by side ---- */

flow("two pictures, and a picture and words, have a cosine", "towers", async (page) => {
    await sample(page);
    await chooseByKeyboard(page, "#slot-1", photo("horse.png"));
    await answered(page, "compare");
    const vectors = async (...inputs) => (await post("towers", "v1/embeddings", {model: "clip", input: inputs})).data.map((row) => row.embedding);
    const cosine = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0).toFixed(4);
    const pictures = await vectors({image: cat.toString("base64")}, {image: horse.toString("base64")});
    assert.equal(await page.textContent(".cosine b"), cosine(...pictures));
    for (const [side, vector] of [["left", pictures[0]], ["right", pictures[1]]]) {
        await page.evaluate(() => { window.copied = ""; });
        await page.click(`text=copy ${side} vector`);
        await page.waitForFunction(() => window.copied);
        await page.waitForFunction((n) => document.querySelector("#compare .note").textContent.includes(`${n} numbers`), vector.length);
        sameFloats(await copied(page), vector);
    }
    await page.fill("#words-1", "a cat");
    const [words] = await vectors({text: "a cat"});
    await page.waitForFunction((value) => document.querySelector(".cosine b").textContent === value, cosine(pictures[0], words));
    assert.equal(await page.$("#slot-1 img"), null);
});

/* ------------------------------------------------------------------ nearest ---- */

const results = (page) => page.$$eval(".hit", (hits) => hits.map((hit) => [hit.querySelector("b").textContent,
    hit.querySelector(".text").childNodes[1].textContent]));
const wanted = ({results}) => results.map((hit) => [hit.score.toFixed(4), hit.path]);

if (facts.index) {
    flow("the nearest pictures: of a picture, of words, of a result", "towers", async (page) => {
        await ready(page);
        await page.fill("#query", "a red car");
        await page.keyboard.press("Enter");
        await page.waitForSelector(".hit");
        assert.deepEqual(await results(page), wanted(await post("towers", "v1/search", {text: "a red car", k: 24})));
        assert.equal(await page.textContent("#origin"), "Nearest to “a red car”");
        await sample(page);
        await page.waitForFunction(() => document.querySelector(".hit b").textContent === "1.0000");
        const first = wanted(await post("towers", "v1/search", {image: cat.toString("base64"), k: 24}));
        assert.deepEqual(await results(page), first);
        await page.waitForFunction(() => [...document.querySelectorAll(".hit img")].filter((i) => i.naturalWidth > 0).length === 5);
        const next = (await post("towers", "v1/search", {image: cat.toString("base64"), k: 24})).results[2];
        await page.click(".hit >> nth=2");
        await page.waitForFunction((path) => document.getElementById("origin").textContent === `Nearest to ${path}`, next.path);
        const second = wanted(await post("towers", "v1/search", {id: next.id, k: 24}));
        await page.waitForFunction((path) => document.querySelector(".hit .text").textContent.includes(path), next.path);
        assert.deepEqual(await results(page), second);
        assert.equal(await page.evaluate(() => document.activeElement.id), "back");
        await page.focus(".hit >> nth=1"); // and by keyboard
        await page.keyboard.press("Enter");
        await page.waitForFunction((path) => document.getElementById("origin").textContent === `Nearest to ${path}`, second[1][1]);
        await page.keyboard.press("Enter"); // Back has the focus
        await page.waitForFunction((path) => document.getElementById("origin").textContent === `Nearest to ${path}`, next.path);
        await page.keyboard.press("Enter");
        await page.waitForSelector("#trail", {state: "hidden"});
        await page.waitForFunction((name) => document.querySelector(".hit .text").textContent.includes(name), first[0][1]);
        assert.deepEqual(await results(page), first);
    });

    flow("the vector of a search is copied", "towers", async (page) => {
        await sample(page);
        await page.click(".hit >> nth=1");
        await page.waitForSelector("#trail:not([hidden])");
        await answered(page, "nearest");
        await page.click("#nearest >> text=copy vector");
        await page.waitForFunction(() => document.querySelector("#nearest .note").textContent.includes("Copied"));
        const {results: [, hit]} = await post("towers", "v1/search", {image: cat.toString("base64"), k: 2});
        sameFloats(await copied(page), (await post("towers", "v1/search", {id: hit.id, vector: true})).vector);
    });
}

/* ------------------------------------------------------------------ to take away ---- */

/* What the shell makes of the line that the page shows. */
async function runCurl(page, id) {
    await page.click(`#${id} >> text=as curl`);
    await page.waitForFunction((id) => document.querySelector(`#${id} .note`).textContent.includes("Copied"), id);
    const line = await page.textContent(`#${id} .curl`);
    assert.equal(await page.evaluate(() => window.copied), line);
    assert.equal(await page.getAttribute(`#${id} .foot button[aria-expanded]`, "aria-expanded"), "true");
    return line.split("\n").map((command) => JSON.parse(execFileSync("sh", ["-c", command], {cwd: path.join(facts.folder, "photos")})));
}

flow("as curl gives what the page shows", "towers", async (page) => {
    await sample(page);
    await page.fill("#words-list", "it's a \"cat\"\n$(touch evil) `touch evil` %s \\n");
    await page.waitForFunction(() => document.querySelectorAll("#words .bars li").length === 2);
    let [answer] = await runCurl(page, "words");
    assert.deepEqual(withoutWidth(await bars(page, "words")), shown(answer.predictions));
    await bring(page, "drop", "#drop", [{name: facts.evil, bytes: horse}]); // a name for a shell to stumble over
    await page.waitForFunction((name) => document.getElementById("image").alt === name, facts.evil);
    await answered(page, "vector");
    [answer] = await runCurl(page, "vector");
    const {data: [{embedding}]} = await post("towers", "v1/embeddings?model=clip&encoding_format=base64", horse);
    assert.equal(answer.data[0].embedding, embedding);
    if (facts.index) {
        [answer] = await runCurl(page, "nearest");
        assert.deepEqual(await results(page), wanted(answer));
    }
    await page.selectOption("#model", "tiny");
    await answered(page, "labels");
    [answer] = await runCurl(page, "labels");
    assert.deepEqual(withoutWidth(await bars(page, "labels")), shown(answer.predictions));
    assert.ok(!fs.existsSync(path.join(facts.folder, "photos", "evil")));
});

flow("copy vector gives the numbers of the server", "towers", async (page) => {
    await sample(page);
    await answered(page, "vector");
    const {data: [{embedding}]} = await post("towers", "v1/embeddings?model=clip", cat);
    for (const id of ["words", "vector"]) {
        await page.evaluate(() => { window.copied = "null"; });
        await page.focus(`#${id} .take button:last-child`);
        await page.keyboard.press("Enter");
        await page.waitForFunction((id) => document.querySelector(`#${id} .note`).textContent.includes("Copied 24 numbers"), id);
        sameFloats(await copied(page), embedding);
    }
});

flow("model, digests, precision and times are there to be read", "towers", async (page) => {
    await sample(page);
    await answered(page, "vector");
    const {data: [clip, tiny]} = await (await fetch(`${facts.servers.towers}/v1/models`)).json();
    const rows = () => page.$$eval("#facts-list dt", (names) => Object.fromEntries(names.map((n) => [n.textContent, n.nextSibling.textContent])));
    const check = async (model, takes) => {
        const found = await rows();
        assert.deepEqual([found.Name, found.Weights, found.Preprocessing, found.Precision, found.Takes],
                         [model.id, model.digest, model.preprocessing, "f32", takes]);
        assert.equal(found.Vector, `${model.dimensions} numbers, embedding`);
    };
    await check(clip, "pictures and words");
    assert.match(await page.textContent("#vector .times"), /^waited [\d.]+ · decoded [\d.]+ · encoded [\d.]+ · in all [\d.]+ ms$/);
    await page.selectOption("#model", "tiny");
    await answered(page, "vector");
    await page.waitForFunction(() => document.getElementById("facts-list").textContent.includes("embedding"));
    await check(tiny, "pictures");
});

/* ------------------------------------------------------------------ what is lacking ---- */

const cards = (page) => page.$$eval("section.card:not([hidden])", (all) => all.map((card) => card.id));

flow("what the models of a server lack is not shown", "towers", async (page) => {
    await ready(page);
    const search = facts.index ? ["nearest"] : [];
    assert.deepEqual(await cards(page), ["picture", "attention", "facts", "words", "vector", "compare", ...search]);
    await page.selectOption("#model", "tiny");
    assert.deepEqual(await cards(page), ["picture", "attention", "facts", "labels", "vector", "compare"]);
    assert.equal(await page.$("#words-1"), null);
});

flow("a server with vectors alone", "vectors", async (page) => {
    await sample(page);
    await answered(page, "vector");
    assert.deepEqual(await cards(page), ["picture", "attention", "facts", "vector", "compare"]);
    assert.ok(await page.isHidden("#models"));
});

flow("a model of words alone", "words", async (page) => {
    await ready(page);
    assert.deepEqual(await cards(page), ["facts", "compare"]);
    await page.fill("#words-0", "a cat");
    await page.fill("#words-1", "a dog");
    await answered(page, "compare");
    const [a, b] = (await post("words", "v1/embeddings", {input: ["a cat", "a dog"]})).data.map((row) => row.embedding);
    assert.equal(await page.textContent(".cosine b"), a.reduce((sum, x, i) => sum + x * b[i], 0).toFixed(4));
    await page.fill("#words-1", "a cat");
    await page.waitForFunction(() => document.querySelector(".cosine b").textContent === "1.0000");
});

/* ------------------------------------------------------------------ hostile text ---- */

flow("hostile labels and names of files are text", "evil", async (page) => {
    await ready(page);
    await bring(page, "drop", "#drop", [{name: facts.script, bytes: cat}, {name: facts.script, bytes: horse}]);
    await answered(page, "labels");
    const names = (await bars(page, "labels")).map(([name]) => name);
    assert.equal(names.length, 5);
    names.forEach((name) => assert.ok(facts.labels.includes(name), name));
    assert.ok((await page.textContent("#caption")).startsWith(facts.script));
    await answered(page, "compare");
    assert.equal(await page.getAttribute("#slot-1 img", "alt"), facts.script);
    assert.equal(await page.$$eval("img[onerror], main script", (all) => all.length), 0);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

if (facts.index)
    flow("hostile names and captions of the index are text", "towers", async (page) => {
        await sample(page, "horse.png");
        await page.waitForSelector(".hit .words");
        const texts = await page.$$eval(".hit .text", (all) => all.map((e) => e.textContent).join("\n"));
        assert.ok(texts.includes(`photos/${facts.evil}caption ${facts.script}`), texts);
        await page.click(`.hit:has(.words)`);
        await page.waitForFunction((name) => document.getElementById("origin").textContent === `Nearest to photos/${name}`, facts.evil);
    });

flow("a message of the server is text", "evil", async (page) => {
    await ready(page);
    await page.route("**/v1/classify*", (route) => route.fulfill({status: 422, contentType: "application/json",
        body: JSON.stringify({error: {message: facts.script, code: "unprocessable"}})}));
    await sample(page);
    await page.waitForSelector("#labels .error");
    assert.ok((await alerts(page, "labels")).includes(facts.script));
});

/* ------------------------------------------------------------------ errors ---- */

flow("what is no picture is said, with what to do", "towers", async (page) => {
    await chooseTiny(page);
    await bring(page, "drop", "#drop", [{name: "notes.txt", bytes: Buffer.from("hello"), type: "text/plain"}]);
    await page.waitForSelector("#picture .error");
    assert.match(await alerts(page, "picture"), /This is no picture in a format that the server reads.*Save the picture as JPEG/);
    assert.match(await page.textContent("#caption"), /notes\.txt.*cannot show it/);
    await bring(page, "drop", "#drop", [{name: "cut.jpg", bytes: cat.subarray(0, 3000)}]);
    await page.waitForFunction(() => document.querySelector("#picture [role=alert]").textContent.includes("too early"));
    assert.equal(await page.$$eval(".error", (all) => all.length), 1); // once, not in each card
    assert.ok(await page.isHidden("#labels .foot"));

    await bring(page, "drop", "#drop", [{name: "empty.jpg", bytes: Buffer.alloc(0)}]);
    await page.waitForFunction(() => document.querySelector("#picture [role=alert]").textContent.includes("cannot be read"));
    await bring(page, "drop", "#drop", []);
    assert.match(await alerts(page, "picture"), /That is no file.*Save the picture first/);
    await sample(page);
    await checkLabels(page);
    assert.equal(await page.$(".error"), null);
});

flow("a server that is gone, and back", "towers", async (page) => {
    await chooseTiny(page);
    await page.route("**/v1/classify*", (route) => route.abort());
    await sample(page);
    await page.waitForSelector("#labels .error");
    assert.match(await alerts(page, "labels"), /The server does not answer.*Check that vit serve still runs/);
    await page.unroute("**/v1/classify*");
    await page.focus("#labels .error button");
    await page.keyboard.press("Enter");
    await checkLabels(page);
});

flow("a busy server says when to come again", "towers", async (page) => {
    await chooseTiny(page);
    await page.route("**/v1/classify*", (route) => route.fulfill({status: 429, headers: {"Retry-After": "7"},
        contentType: "application/json", body: '{"error":{"message":"256 inputs wait","code":"overloaded"}}'}));
    await sample(page);
    await page.waitForSelector("#labels .error");
    assert.match(await alerts(page, "labels"), /256 inputs wait.*try again in 7 s/);
});

flow("a server that loads is waited for", "towers", async (page) => {
    let loading = true;
    await page.route("**/v1/models", (route) => loading ? route.fulfill({status: 503, contentType: "application/json",
        body: '{"error":{"message":"loading","code":"unavailable"}}'}) : route.continue());
    await page.reload();
    await page.waitForFunction(() => document.getElementById("state").textContent.includes("loading its models"));
    loading = false;
    await ready(page);
    assert.equal(await page.textContent("#state"), "");
});

flow("an answer that comes late does not replace a newer one", "towers", async (page) => {
    await chooseTiny(page);
    let first = true;
    await page.route("**/v1/classify*", async (route) => {
        const late = first;
        first = false;
        if (late)
            await new Promise((done) => setTimeout(done, 1500));
        await route.continue().catch(() => {}); // the page has given it up
    });
    await sample(page);
    await sample(page, "horse.png");
    await checkLabels(page, horse);
    await page.waitForTimeout(1600);
    await checkLabels(page, horse);
});

flow("of two samples that are pressed the last one stays", "towers", async (page) => {
    await chooseTiny(page);
    await page.route("**/v1/samples/cat.jpg", async (route) => {
        await new Promise((done) => setTimeout(done, 700));
        await route.continue();
    });
    await page.click('#samples button[title="Try cat.jpg"]');
    await sample(page, "horse.png");
    await page.waitForTimeout(1000);
    assert.equal(await page.getAttribute("#image", "alt"), "horse.png");
    await checkLabels(page, horse);
});

/* ------------------------------------------------------------------ the key ---- */

flow("a key is asked for, and kept in memory only", "locked", async (page) => {
    await page.waitForSelector("#key-dialog[open]");
    assert.equal(await page.evaluate(() => document.activeElement.id), "key");
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("key-why").textContent.includes("refused"));
    await page.fill("#key", "open sesame");
    await page.keyboard.press("Enter");
    await ready(page);
    await sample(page);
    await answered(page, "labels");
    if (facts.index)
        await page.waitForFunction(() => [...document.querySelectorAll(".hit img")].some((image) => image.naturalWidth > 0));
    await page.click("#labels >> text=as curl");
    const line = await page.textContent("#labels .curl");
    assert.ok(line.includes('-H "Authorization: Bearer $VIT_API_KEY"') && !line.includes("sesame"), line);
    const answer = JSON.parse(execFileSync("sh", ["-c", line], {cwd: path.join(facts.folder, "photos"),
        env: {...process.env, VIT_API_KEY: "open sesame"}}));
    assert.deepEqual(withoutWidth(await bars(page, "labels")), shown(answer.predictions));
    assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
    assert.ok(!(await page.content()).includes("sesame"));
    assert.equal(await page.inputValue("#key"), "");
    await page.reload();
    await page.waitForSelector("#key-dialog[open]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#state .error");
    assert.match(await page.textContent("#state"), /wants a key/);
    await page.click("#state button");
    await page.fill("#key", "open sesame");
    await page.keyboard.press("Enter");
    await ready(page);
});

/* ------------------------------------------------------------------ by keyboard, and narrow ---- */

flow("everything that can be used is reached by Tab, in the order of the page", "towers", async (page) => {
    await sample(page);
    await page.check("#attend");
    await answered(page, "attention");
    await answered(page, "words");
    await page.evaluate(() => { // so that the next Tab starts at the top
        document.body.tabIndex = -1;
        document.body.focus();
        document.body.removeAttribute("tabindex");
    });
    const wanted = await page.$$eval("a[href], button, input:not([type=file]), textarea, select", (all) =>
        all.filter((e) => e.checkVisibility() && !e.closest("dialog")).map((e) => e.id || e.textContent || e.title));
    const reached = [];
    for (let i = 0; i < wanted.length; i++) {
        await page.keyboard.press("Tab");
        reached.push(await page.evaluate(() => {
            const e = document.activeElement;
            const outline = getComputedStyle(e).outlineStyle !== "none";
            return (outline ? "" : "no outline: ") + (e.id || e.textContent || e.title);
        }));
    }
    assert.deepEqual(reached, wanted);
});

flow("a page of 360 pixels is not wider than the screen", "towers", async (page) => {
    await sample(page);
    await bring(page, "drop", "#slot-1", [{name: `${"long".repeat(40)}.png`, bytes: horse}]);
    await answered(page, "compare");
    for (const button of await page.$$("button:visible >> text=as curl"))
        await button.click();
    const wide = await page.$$eval("body *", (all) => all.filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5 &&
        !e.closest(".frame, .unseen")).map((e) => e.outerHTML.slice(0, 80)));
    assert.deepEqual(wide, []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
}, {viewport: {width: 360, height: 640}});

/* ------------------------------------------------------------------ strangers ---- */

const {port} = new URL(facts.servers.towers);

flow("the server under a name that is not its own is refused", `http://evil.example:${port}`, async (page) => {
    assert.match(await page.textContent("body"), /this server answers to localhost alone/);
}, {stranger: true});

flow("a page of another origin is refused", "vectors", async (page) => {
    const wire = await page.context().newCDPSession(page); // the browser hides the answer from page and test alike
    const address = `${facts.servers.towers}/v1/embeddings`, statuses = new Map();
    let id;
    wire.on("Network.requestWillBeSent", (sent) => { id = sent.request.url === address ? sent.requestId : id; });
    wire.on("Network.responseReceivedExtraInfo", (answer) => statuses.set(answer.requestId, answer.statusCode));
    await wire.send("Network.enable");
    const seen = await page.evaluate((address) => fetch(address, {method: "POST", body: "{}", mode: "no-cors"})
        .then(() => "an answer", () => "nothing"), address);
    while (!statuses.has(id))
        await page.waitForTimeout(20);
    assert.deepEqual([statuses.get(id), seen], [403, "nothing"]);
}, {stranger: true, bypassCSP: true});

runFlows();
