// SPDX-License-Identifier: BSD-2-Clause
/*
 * The page of `vit serve`. It asks the server that it came from, and nothing else. Names of files, labels, captions and
 * messages are set as text, never as HTML.
 */
"use strict";

const TYPING = 300; // milliseconds without a key after which words are scored
const TOP = 5; // labels that are shown
const HITS = 24; // pictures of the index that are shown

const $ = (id) => document.getElementById(id);

/* An element. Properties with a hyphen, and `role`, are attributes. */
function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties))
        if (name === "role" || name.includes("-"))
            element.setAttribute(name, value);
        else
            element[name] = value;
    element.append(...children);
    return element;
}

function later(milliseconds, work) {
    let timer;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(work, milliseconds);
    };
}

/* ------------------------------------------------------------------ asking the server ---- */

/* What a person reads where something failed: what happened, and what to do. again: the same may succeed another time. */
class Failure extends Error {
    constructor(message, advice = "", {code = "", again = false} = {}) {
        super(message);
        this.advice = advice;
        this.code = code;
        this.again = again;
    }
}

/* The picture is at fault, whatever was asked of it. */
const ofPicture = (error) => ["unsupported_format", "corrupt", "truncated", "too_large"].includes(error.code);

/* By the server's codes of errors. */
const ADVICE = {
    too_large: "Take a smaller picture, or fewer words; or start the server with a higher limit.",
    unsupported_format: "Save the picture as JPEG, PNG or WebP, and try that.",
    corrupt: "The file is damaged: copy it again, or export it anew.",
    truncated: "The end of the file is missing.",
    model_not_found: "Reload this page: the server has other models now.",
    host_not_allowed: "Open the page as http://localhost, or start the server with --allow-host and this name.",
    origin_not_allowed: "Open the page under the server's own address.",
    request_timeout: "The connection is too slow for this picture: try a smaller one.",
    out_of_memory: "The machine has too little memory free: try again later, or a smaller picture.",
    internal: "This is the server's fault: its log on stderr says more.",
    unavailable: "The server is starting or stopping: try again in a moment.",
};

async function failureOf(answer) {
    let error = {};
    try {
        const json = await answer.json();
        error = typeof json.error === "string" ? {message: json.error, code: json.error_type} : json.error || {};
    } catch { /* a proxy's page, perhaps */ }
    const seconds = answer.headers.get("Retry-After");
    let advice = ADVICE[error.code] || "";
    if (answer.status === 429)
        advice = `The server is busy: try again in ${seconds || 1} s.`;
    const message = String(error.message || `The server answered ${answer.status} ${answer.statusText}`);
    if (/neither JSON nor a picture/.test(message))
        return new Failure("This is no picture in a format that the server reads.", ADVICE.unsupported_format, {code: "unsupported_format"});
    return new Failure(message.replace(/^input\[0\]: /, ""), advice || (answer.status >= 500 ? "Try again; if it stays, see the server's log." : ""),
                       {code: error.code, again: answer.status >= 500 || [408, 429].includes(answer.status)});
}

let key = ""; // in memory only
let asking = null;

/* Asks the person for a key. true: there is one to try. */
function askKey() {
    if (asking)
        return asking;
    const dialog = $("key-dialog");
    if (key)
        $("key-why").textContent = "The server refused that key. Look for spaces at its ends, and for capitals.";
    $("key").value = "";
    dialog.showModal();
    $("key").focus();
    asking = new Promise((done) => {
        dialog.addEventListener("close", () => {
            asking = null;
            key = dialog.returnValue === "use" ? $("key").value.trim() : key;
            $("key").value = "";
            done(dialog.returnValue === "use");
        }, {once: true});
    });
    dialog.returnValue = "";
    return asking;
}

$("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    $("key-dialog").close("use");
});
$("key-cancel").addEventListener("click", () => $("key-dialog").close(""));

/*
 * A request is {path, query, picture}, the picture being the body, or {path, query, json}, in which `image` is a picture,
 * or {path} alone. What is sent, and the line for curl, come from the same request.
 */
function addressOf(request) {
    const address = new URL(request.path, document.baseURI);
    for (const [name, value] of Object.entries(request.query || {}))
        address.searchParams.set(name, value);
    return address;
}

async function dataOf(picture) {
    const bytes = new Uint8Array(await picture.blob.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768)
        text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(text);
}

async function bodyOf(request) {
    const {json} = request;
    if (!json)
        return request.picture && request.picture.blob;
    return JSON.stringify(json.image ? {...json, image: await dataOf(json.image)} : json);
}

async function send(request, signal) {
    const body = await bodyOf(request);
    for (;;) {
        const used = key;
        const headers = {Accept: request.accept || "application/json"};
        if (used)
            headers.Authorization = `Bearer ${used}`;
        let answer;
        try {
            answer = await fetch(addressOf(request), {method: body ? "POST" : "GET", body, headers, signal, cache: "no-store"});
        } catch (error) {
            if (signal && signal.aborted)
                throw error;
            throw new Failure("The server does not answer.", body && body.size > 1e7
                ? "The picture may be larger than the server takes (--max-body): try a smaller one. Or the server has stopped."
                : "Check that vit serve still runs, and the network between, then try again.", {again: true});
        }
        if (answer.ok)
            return answer;
        if (answer.status !== 401)
            throw await failureOf(answer);
        if (key === used && !await askKey())
            throw new Failure("This server wants a key.", "Try again, and give it the key.", {again: true});
    }
}

/* ------------------------------------------------------------------ as curl ---- */

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/* A line for a POSIX shell. A key is never in it. */
function curlOf(request) {
    const picture = request.picture || (request.json && request.json.image);
    const curl = `curl -sS${key ? ' -H "Authorization: Bearer $VIT_API_KEY"' : ""}`;
    const address = quoted(addressOf(request));
    const first = picture && picture.source ? `curl -sSO ${quoted(new URL(picture.source, document.baseURI))} && ` : "";
    const file = picture && quoted(picture.name.startsWith("-") ? `./${picture.name}` : picture.name);
    if (request.picture)
        return `${first}${curl} --data-binary @${file} ${address}`;
    if (!picture)
        return `${curl} -d ${quoted(JSON.stringify(request.json))} ${address}`;
    const {image, ...rest} = request.json;
    const more = JSON.stringify(rest).slice(1);
    return `${first}{ printf %s '{"image":"'; base64 < ${file} | tr -d '\\n'; printf %s ${quoted(`",${more}`)}; } | ` +
           `${curl} --data-binary @- ${address}`;
}

async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch { /* not a secure address: the old way */ }
    const area = make("textarea", {value: text, className: "unseen"});
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (focused)
        focused.focus();
    return done;
}

/* ------------------------------------------------------------------ vectors ---- */

function floatsOf(base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float32Array.from({length: bytes.length / 4}, (_, i) => view.getFloat32(4 * i, true));
}

/* The fewest digits that give the same 32-bit float again. */
function shortest(x) {
    for (let digits = 1; digits < 9; digits++)
        if (Math.fround(Number(x.toPrecision(digits))) === x)
            return Number(x.toPrecision(digits));
    return Number(x.toPrecision(9));
}

const textOfVector = (floats) => JSON.stringify(Array.from(floats, shortest));

function cosine(a, b) {
    let ab = 0, aa = 0, bb = 0;
    for (let i = 0; i < a.length; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return ab / Math.sqrt(aa * bb);
}

/* An item is a picture {name, blob, url, source} or words {text}. */
function requestOfVector(item) {
    if (item.blob)
        return {path: "v1/embeddings", query: {model: model.id, encoding_format: "base64"}, picture: item};
    return {path: "v1/embeddings", json: {model: model.id, input: {text: item.text}, encoding_format: "base64"}};
}

const vectors = new WeakMap(); // of an item: by model

/* {floats, times} of an item, asked for once. */
function vectorOf(item) {
    const known = vectors.get(item) || new Map();
    vectors.set(item, known);
    if (!known.has(model.id)) {
        const start = performance.now();
        const promise = send(requestOfVector(item)).then(async (answer) => {
            const floats = floatsOf((await answer.json()).data[0].embedding);
            learn(answer.headers, true);
            return {floats, times: timesOf(answer, start)};
        });
        known.set(model.id, promise);
        promise.catch(() => known.delete(model.id));
    }
    return known.get(model.id);
}

/* A column for each number: warm above zero, cold below. */
function draw(floats) {
    const canvas = make("canvas", {className: "strip", width: floats.length, height: 1, role: "img",
        "aria-label": `${floats.length} numbers as colours: orange above zero, blue below`});
    const context = canvas.getContext("2d");
    const image = context.createImageData(floats.length, 1);
    const most = floats.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
    floats.forEach((x, i) => {
        const part = Math.sqrt(Math.abs(x) / most);
        image.data.set(x > 0 ? [232, 145, 45, 255 * part] : [47, 95, 208, 255 * part], 4 * i);
    });
    context.putImageData(image, 0, 0);
    return canvas;
}

/* ------------------------------------------------------------------ answers ---- */

function timesOf(answer, start) {
    const names = {queue: "waited", decode: "decoded", encode: "encoded"};
    const parts = [...(answer.headers.get("Server-Timing") || "").matchAll(/(\w+);dur=([\d.]+)/g)]
        .map(([, name, ms]) => `${names[name] || name} ${Number(ms).toFixed(1)}`);
    return `${[...parts, `in all ${(performance.now() - start).toFixed(1)}`].join(" · ")} ms`;
}

function showFailure(box, error, again) {
    if (error && !(error instanceof Failure))
        console.error(error);
    const message = error && error.message.slice(0, 1).toUpperCase() + error.message.slice(1);
    if (error && box.textContent.startsWith(message))
        return; /* said already */
    box.replaceChildren();
    if (!error)
        return;
    const panel = make("div", {className: "error"}, make("p", {textContent: message}));
    if (error.advice)
        panel.append(make("p", {textContent: error.advice}));
    if (again && error.again)
        panel.append(make("button", {className: "small", type: "button", textContent: "Try again", onclick: again}));
    box.append(panel);
}

/* The part of a card that shows what the server answered: a body, errors, times, and what can be taken away. */
class Answer {
    /* copies: {"copy vector": function that promises the floats} */
    constructor(id, empty, copies = {}) {
        this.section = $(id);
        this.section.classList.add("answer");
        this.empty = empty;
        this.alert = make("div", {role: "alert"});
        this.said = make("p", {className: "unseen", role: "status"});
        this.body = make("div", {className: "body"});
        this.times = make("span", {className: "times"});
        this.curl = make("pre", {className: "curl mono", tabIndex: 0, hidden: true, "aria-label": "As curl"});
        this.note = make("span", {className: "note", role: "status"});
        this.curlButton = this.button("as curl", () => this.toggleCurl());
        this.curlButton.setAttribute("aria-expanded", "false");
        const buttons = Object.entries(copies).map(([label, vector]) => this.button(label, () => this.copyVector(vector)));
        this.foot = make("div", {className: "foot", hidden: true}, this.times,
                         make("span", {className: "take"}, this.curlButton, ...buttons), this.note);
        this.section.append(this.alert, this.said, this.body, this.foot, this.curl);
        this.clear();
    }

    button(label, work) {
        return make("button", {className: "small", type: "button", textContent: label, onclick: work});
    }

    clear() {
        this.stop();
        this.body.replaceChildren(...(this.empty ? [make("p", {className: "empty", textContent: this.empty})] : []));
        this.said.textContent = "";
        this.foot.hidden = this.curl.hidden = true;
        this.curlButton.setAttribute("aria-expanded", "false");
        showFailure(this.alert, null);
    }

    /* What was asked before is not waited for any longer. */
    stop() {
        if (this.running)
            this.running.abort();
        this.running = null;
        this.section.setAttribute("aria-busy", "false");
    }

    fail(error, again) {
        this.clear();
        this.body.replaceChildren();
        showFailure(this.alert, error, again);
    }

    /* work(signal) promises a function that shows the result, and the times. */
    async run(requests, work) {
        this.stop();
        const running = this.running = new AbortController();
        this.section.setAttribute("aria-busy", "true");
        try {
            const {show, times} = await work(running.signal);
            if (this.running !== running)
                return;
            this.stop();
            showFailure(this.alert, null);
            this.note.textContent = "";
            this.requests = requests;
            this.said.textContent = show() || "";
            this.times.textContent = times;
            this.curl.textContent = requests.map(curlOf).join("\n");
            this.foot.hidden = false;
        } catch (error) {
            if (this.running !== running)
                return;
            if (ofPicture(error) && requests.length === 1 && (requests[0].picture || (requests[0].json || {}).image) === picture) {
                this.clear();
                showFailure(pictureAlert, error);
            } else {
                this.fail(error, () => this.run(requests, work));
            }
        }
    }

    /* show(json) puts the answer into this.body and returns it in words. */
    ask(request, show) {
        return this.run([request], async (signal) => {
            const start = performance.now();
            const answer = await send(request, signal);
            const json = await answer.json();
            learn(answer.headers);
            return {show: () => show(json), times: timesOf(answer, start)};
        });
    }

    async toggleCurl() {
        this.curl.hidden = !this.curl.hidden;
        this.curlButton.setAttribute("aria-expanded", String(!this.curl.hidden));
        if (this.curl.hidden)
            return;
        this.curl.textContent = this.requests.map(curlOf).join("\n");
        this.note.textContent = await copy(this.curl.textContent) ? "Copied, for a terminal."
            : "This browser does not let the page copy: select the lines below.";
    }

    async copyVector(vector) {
        try {
            const floats = await vector();
            const done = await copy(textOfVector(floats));
            this.note.textContent = done ? `Copied ${floats.length} numbers, as JSON.` : "This browser does not let the page copy.";
        } catch (error) {
            this.note.textContent = `${error.message} ${error.advice || ""}`;
        }
    }
}

const percent = (score) => `${(100 * score).toFixed(1)} %`;

function showBars(answer, predictions) {
    const name = (p) => p.label === null ? `class ${p.index}` : p.label;
    const list = make("ol", {className: "bars"});
    for (const p of predictions) {
        const fill = make("div", {className: "fill"});
        fill.style.width = `${100 * Math.min(1, Math.max(0, p.score))}%`;
        list.append(make("li", {}, make("span", {className: "name", textContent: name(p)}),
                         make("span", {className: "number", textContent: percent(p.score)}),
                         make("div", {className: "track", "aria-hidden": "true"}, fill)));
    }
    answer.body.replaceChildren(list);
    return predictions.slice(0, TOP).map((p) => `${name(p)} ${percent(p.score)}`).join(", ");
}

/* ------------------------------------------------------------------ what there is ---- */

let summary, models, model; // of the server; the chosen one
let picture = null;

const has = {
    pictures: () => model.modalities.includes("image"),
    words: () => model.modalities.includes("text"),
    labels: () => model.classes > 0 || (summary.labels && model === models[0]),
    comparing: () => model.tasks.includes("zero-shot-image-classification"),
    index: () => summary.index && model === models[0], // an index has the vectors of the default model
};

const needed = "Choose a picture first.";
const pictureVector = async () => (await vectorOf(picture)).floats;
const labels = new Answer("labels", needed, {"copy vector": pictureVector});
const words = new Answer("words", needed, {"copy vector": pictureVector});
const vector = new Answer("vector", needed, {"copy vector": pictureVector});
const attention = new Answer("attention", "", {"copy vector": pictureVector});
const comparison = new Answer("compare", "", {
    "copy left vector": async () => (await vectorOf(sides[0])).floats,
    "copy right vector": async () => (await vectorOf(sides[1])).floats,
});
const nearest = new Answer("nearest", "", {"copy vector": () => vectorOfSearch()});
const pictureAlert = make("div", {role: "alert"});
$("picture").append(pictureAlert);

let output = ""; // what the vectors are, as the last answer with a vector said; other answers have outputs of other kinds

function showFacts(headers) {
    const said = (name, known) => (headers && headers.get(name)) || known;
    const rows = [
        ["Name", model.id],
        ["Family", model.family],
        ["Takes", model.modalities.map((m) => m === "image" ? "pictures" : "words").join(" and ")],
        ["Vector", `${model.dimensions} numbers${output && `, ${output}`}`],
        ["Classes", model.classes || ""],
        ["Precision", said("X-Vit-Precision", model.precision)],
        ["Weights", said("X-Vit-Model-Digest", model.digest), true],
        ["Preprocessing", said("X-Vit-Preprocessing-Digest", model.preprocessing), true],
        ["Server", `vit ${summary.version}`],
    ];
    $("facts-list").replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value, digest]) =>
        [make("dt", {textContent: name}), make("dd", {textContent: value, className: digest ? "mono" : ""})]));
}

/* The headers of an answer say which weights made it, and those of one with a vector what its vectors are. */
function learn(headers, hasVector) {
    if (headers.get("X-Vit-Model") !== model.id)
        return;
    if (hasVector)
        output = headers.get("X-Vit-Output") || "";
    showFacts(headers);
}

function showWhatThereIs() {
    $("picture").hidden = $("vector").hidden = !has.pictures();
    $("labels").hidden = !has.labels();
    $("words").hidden = !has.comparing();
    $("attention").hidden = !(has.pictures() && model.attention);
    $("nearest").hidden = !has.index();
    $("search").hidden = !has.words();
    nearest.empty = has.words() ? "Choose a picture, or search by words." : needed;
    output = "";
    showFacts(null);
    for (const answer of [labels, words, vector, attention, comparison, nearest])
        answer.clear();
    buildSides();
}

/* ------------------------------------------------------------------ the picture ---- */

/* Read at once: a file may change, and a folder cannot be read. */
async function pictureOf(file, source) {
    try {
        const blob = new Blob([await file.arrayBuffer()], {type: file.type});
        if (blob.size === 0)
            throw new Error("empty");
        return {name: file.name || "picture.png", blob, url: URL.createObjectURL(blob), source};
    } catch {
        throw new Failure(`${file.name || "This"} cannot be read: it is empty, or a folder, or has been moved.`,
                          "Choose a file with a picture.");
    }
}

let turns = 0;

/* file: a file, or what promises one; of several the last that was asked for stays. */
async function setPicture(file, source) {
    if (!file)
        return;
    const turn = ++turns;
    let next;
    showFailure(pictureAlert, null);
    try {
        next = await pictureOf(await file, source);
    } catch (error) {
        if (turn === turns)
            showFailure(pictureAlert, error);
        return;
    }
    if (turn !== turns)
        return;
    if (picture)
        URL.revokeObjectURL(picture.url);
    picture = next;
    $("hint").hidden = true;
    $("figure").hidden = false;
    $("drop").classList.add("full");
    $("heat").hidden = true;
    $("frame").hidden = false;
    $("image").alt = picture.name;
    $("image").src = picture.url;
    const size = picture.blob.size < 1e6 ? `${Math.ceil(picture.blob.size / 1000)} kB` : `${(picture.blob.size / 1e6).toFixed(1)} MB`;
    $("caption").replaceChildren(make("a", {href: picture.url, download: picture.name, textContent: picture.name}), `, ${size}`);
    run();
}

$("image").addEventListener("load", () => {
    const {naturalWidth: width, naturalHeight: height} = $("image");
    $("frame").style.width = `min(100%, ${26 * width / height}rem)`; /* as large as the card, and at most 26rem high */
    $("caption").append(`, ${width} × ${height}`);
});
$("image").addEventListener("error", () => {
    $("frame").hidden = true;
    $("caption").append(". This browser cannot show it; the server may read it all the same.");
});

/* Everything that is said of the picture. */
function run() {
    if (picture && has.pictures()) {
        if (has.labels())
            labels.ask({path: "v1/classify", query: {model: model.id, top_k: TOP}, picture},
                       (json) => showBars(labels, json.predictions));
        scoreWords();
        showVector();
        attend();
        if (has.index())
            look({picture}, true);
    }
    sides[0] = picture && has.pictures() ? picture : sides[0];
    showSides();
    compare();
}

function showVector() {
    vector.run([requestOfVector(picture)], async () => {
        const {floats, times} = await vectorOf(picture);
        const show = () => {
            const first = Array.from(floats.slice(0, 6), (x) => x.toFixed(4)).join(", ");
            vector.body.replaceChildren(draw(floats), make("p", {className: "numbers mono", textContent: `[${first}, …]`}));
            return `A vector of ${floats.length} numbers`;
        };
        return {show, times};
    });
}

function scoreWords() {
    if (!picture || !has.comparing())
        return;
    const list = $("words-list").value.split("\n").map((line) => line.trim()).filter(Boolean);
    const template = $("template").value;
    if (list.length === 0) {
        words.clear();
        words.body.replaceChildren(make("p", {className: "empty", textContent: "Write a word, or several words, on a line."}));
    } else if (!template.includes("{}")) {
        words.fail(new Failure("The template lacks {}.", "Write {} where the words go: a photo of {}"));
    } else {
        words.ask({path: "v1/classify", json: {model: model.id, image: picture, labels: list, template, top_k: list.length}},
                  (json) => showBars(words, json.predictions));
    }
}

$("words-list").addEventListener("input", later(TYPING, scoreWords));
$("template").addEventListener("input", later(TYPING, scoreWords));

/* ------------------------------------------------------------------ attention ---- */

/* Least to most: the picture is dark where it weighs little, and clear where it weighs much. */
const RAMP = [[8, 10, 40, 200], [70, 22, 110, 165], [215, 60, 90, 120], [255, 200, 80, 60]];

function colourOf(part) {
    const at = part * (RAMP.length - 1), i = Math.min(RAMP.length - 2, Math.floor(at));
    return RAMP[i].map((value, c) => value + (RAMP[i + 1][c] - value) * (at - i));
}

function showHeat({grid: [rows, columns], region: [left, top, width, height], weights, layer, head, heads, depth}) {
    const canvas = $("heat");
    canvas.width = columns;
    canvas.height = rows;
    const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
    const least = Math.min(...weights), most = Math.max(...weights);
    weights.forEach((weight, i) => image.data.set(colourOf((weight - least) / (most - least || 1)), 4 * i));
    context.putImageData(image, 0, 0);
    Object.assign(canvas.style, {left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%`});
    canvas.hidden = !$("attend").checked;
    const newest = $("layer").max === "0" && depth > 1;
    $("layer").max = depth - 1;
    $("head").max = heads - 1;
    if (newest)
        $("layer").value = layer;
    nameSliders();
    const best = weights.indexOf(most);
    return `Block ${layer}, ${head === null ? "all heads" : `head ${head}`}: of ${rows} × ${columns} patches the one in row ` +
        `${Math.floor(best / columns) + 1}, column ${best % columns + 1} weighs most.`;
}

/* Counted from 0, as `vit attention` and the server count. */
function nameSliders() {
    const layer = `${$("layer").value} (0 to ${$("layer").max})`;
    const head = $("head").value === "-1" ? "mean of all" : `${$("head").value} (0 to ${$("head").max})`;
    $("layer-value").textContent = layer;
    $("head-value").textContent = head;
    $("layer").setAttribute("aria-valuetext", layer);
    $("head").setAttribute("aria-valuetext", head);
}

function forgetLayers() {
    $("layer").max = $("layer").value = "0";
    $("head").max = "0";
    $("head").value = "-1";
}

function attend() {
    const on = $("attend").checked;
    $("sliders").hidden = !on || !picture;
    $("heat").hidden = true;
    if (!on || !picture) {
        attention.clear();
        if (on)
            attention.body.replaceChildren(make("p", {className: "empty", textContent: needed}));
        return;
    }
    ask();

    function ask() {
        const query = {model: model.id};
        if ($("layer").max !== "0")
            query.layer = $("layer").value;
        if ($("head").value !== "-1")
            query.head = $("head").value;
        attention.ask({path: "v1/attention", query, picture}, (json) => {
            const text = showHeat(json);
            attention.body.replaceChildren();
            return text;
        });
    }
}

const attendSoon = later(60, attend);
for (const id of ["layer", "head"])
    $(id).addEventListener("input", () => {
        nameSliders();
        attendSoon();
    });
$("attend").addEventListener("change", attend);

/* ------------------------------------------------------------------ two side by side ---- */

let sides = [null, null]; // items

/* Left is the picture above, or words where the model takes no pictures; right another picture, or words. */
function buildSides() {
    sides = [null, null];
    const parts = ["left", "right"].map((name, i) => {
        const side = [];
        if (has.pictures() && i === 0)
            side.push(make("div", {className: "slot", id: "slot-0"}));
        else if (has.pictures())
            side.push(make("button", {className: "slot", id: "slot-1", type: "button", onclick: () => choose(1)}));
        if (has.words() && (i === 1 || !has.pictures())) {
            const input = make("input", {id: `words-${i}`, autocomplete: "off"});
            input.addEventListener("input", later(TYPING, () => {
                const text = input.value.trim();
                sides[i] = text ? {text} : null;
                showSides();
                compare();
            }));
            side.push(make("label", {}, has.pictures() ? "or words" : `Words, ${name}`, input));
        }
        return side;
    });
    $("side-a").replaceChildren(...parts[0]);
    $("side-b").replaceChildren(...parts[1]);
    $("compare").hidden = !(has.pictures() || has.words());
}

function showSides() {
    const empty = ["The picture above", "Choose another picture"];
    sides.forEach((item, i) => {
        const slot = $(`slot-${i}`);
        if (!slot)
            return;
        slot.replaceChildren(item && item.blob ? make("img", {src: item.url, alt: item.name})
                                               : make("span", {textContent: empty[i]}));
        slot.classList.toggle("full", Boolean(item && item.blob));
        if (item && item.blob)
            slot.firstChild.addEventListener("error", () => slot.replaceChildren(make("span", {textContent: item.name})));
    });
}

async function setRight(file) {
    if (!file)
        return;
    try {
        const next = await pictureOf(file);
        sides[1] = next;
    } catch (error) {
        comparison.fail(error);
        return;
    }
    if ($("words-1"))
        $("words-1").value = "";
    showSides();
    compare();
}

function compare() {
    if (!sides[0] || !sides[1]) {
        comparison.clear();
        return;
    }
    const [a, b] = sides;
    comparison.run([requestOfVector(a), requestOfVector(b)], async () => {
        const start = performance.now();
        const [left, right] = await Promise.all([vectorOf(a), vectorOf(b)]);
        if (left.floats.length !== right.floats.length)
            throw new Failure(`The left vector has ${left.floats.length} numbers, the right one ${right.floats.length}.`,
                              "This model does not compare them: take two of a kind.");
        const value = cosine(left.floats, right.floats).toFixed(4);
        const show = () => {
            comparison.body.replaceChildren(make("p", {className: "cosine"}, make("b", {textContent: value}),
                make("span", {textContent: "cosine: 1 is the same, 0 has nothing in common"})));
            return `Cosine ${value}`;
        };
        return {show, times: `in all ${(performance.now() - start).toFixed(1)} ms`};
    });
}

/* ------------------------------------------------------------------ nearest ---- */

let origin = null, past = [], thumbnails = [];

/* An origin is {picture}, {text} or {id, path}. */
function requestOfSearch({picture, text, id}) {
    if (picture)
        return {path: "v1/search", query: {k: HITS}, picture};
    return {path: "v1/search", json: text === undefined ? {id, k: HITS} : {text, k: HITS}};
}

async function vectorOfSearch() {
    if (origin.picture)
        return (await vectorOf(origin.picture)).floats;
    const request = requestOfSearch(origin);
    const answer = await send({...request, json: {...request.json, k: 1, vector: true}});
    return Float32Array.from((await answer.json()).vector);
}

/* afresh: nothing leads back from here. */
function look(next, afresh) {
    if (afresh)
        past = [];
    else if (origin)
        past.push(origin);
    find(next);
}

function find(next) {
    origin = next;
    $("trail").hidden = Boolean(origin.picture) && past.length === 0;
    $("back").hidden = past.length === 0;
    $("origin").textContent = `Nearest to ${origin.picture ? origin.picture.name : origin.text === undefined ? origin.path : `“${origin.text}”`}`;
    nearest.ask(requestOfSearch(origin), showHits);
}

$("back").addEventListener("click", () => {
    find(past.pop());
    ($("back").hidden ? $("nearest-title") : $("back")).focus();
});
$("nearest-title").tabIndex = -1;

/* An img alone could not send the key. */
async function fetchThumbnail(id, place, path) {
    try {
        const answer = await send({path: `v1/thumbnails/${id}`, accept: "image/*"});
        const url = URL.createObjectURL(await answer.blob());
        if (!place.isConnected) {
            URL.revokeObjectURL(url);
            return;
        }
        thumbnails.push(url);
        place.replaceChildren(make("img", {src: url, alt: ""}));
    } catch {
        place.textContent = "no picture";
    }
}

function showHits({results}) {
    thumbnails.forEach((url) => URL.revokeObjectURL(url));
    thumbnails = [];
    const list = make("ol", {className: "hits"});
    const places = results.map((hit) => {
        const place = make("span", {className: "picture"});
        const text = make("span", {className: "text"}, make("b", {textContent: hit.score.toFixed(4)}), hit.path);
        if (hit.caption)
            text.append(make("span", {className: "words", textContent: hit.caption}));
        const button = make("button", {className: "hit", type: "button", title: `What is near ${hit.path}`}, place, text);
        button.addEventListener("click", () => {
            look({id: hit.id, path: hit.path}, false);
            $("back").focus();
        });
        list.append(make("li", {}, button));
        return place;
    });
    nearest.body.replaceChildren(results.length ? list : make("p", {className: "empty", textContent: "The index is empty."}));
    results.forEach((hit, i) => fetchThumbnail(hit.id, places[i], hit.path));
    return results.length ? `${results.length} pictures; the nearest is ${results[0].path}, ${results[0].score.toFixed(4)}` : "No picture";
}

$("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("query").value.trim();
    if (text)
        look({text}, false);
});

/* ------------------------------------------------------------------ files in ---- */

let wanted = 0; // which side the chosen file is for

function choose(side) {
    wanted = side;
    $("file").click();
}

function take(side, files) {
    if (side === 1 || !has.pictures())
        return setRight(files[0]);
    if (files.length > 1)
        setRight(files[1]);
    return setPicture(files[0]);
}

$("choose").addEventListener("click", () => choose(0));
for (const id of ["file", "shot"])
    $(id).addEventListener("change", () => {
        const files = [...$(id).files];
        $(id).value = ""; // so that the same file can be chosen again
        take(id === "shot" ? 0 : wanted, files);
    });

const sideAt = (target) => target instanceof Element && target.closest("#compare") ? 1 : 0;
const placeOf = (side) => side ? $("slot-1") : $("drop");

function markDrop(event) {
    for (const place of document.querySelectorAll(".over"))
        place.classList.remove("over");
    if (event && model && has.pictures())
        placeOf(sideAt(event.target)).classList.add("over");
}

addEventListener("dragover", (event) => {
    event.preventDefault();
    markDrop(event);
});
addEventListener("dragleave", () => markDrop(null));
addEventListener("drop", (event) => {
    event.preventDefault();
    markDrop(null);
    if (!model || !has.pictures())
        return;
    const files = [...event.dataTransfer.files];
    if (files.length)
        take(sideAt(event.target), files);
    else
        showFailure(pictureAlert, new Failure("That is no file.", "Save the picture first, then drop the file; or copy the picture and paste it."));
});
addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || !model || !has.pictures())
        return;
    event.preventDefault();
    take(sideAt(event.target), files);
});

async function fileOfSample(name, path) {
    const answer = await send({path, accept: "image/*"});
    return new File([await answer.blob()], name, {type: answer.headers.get("Content-Type")});
}

function trySample(name) {
    const path = `v1/samples/${encodeURIComponent(name)}`;
    setPicture(fileOfSample(name, path), path);
}

/* ------------------------------------------------------------------ the camera ---- */

/* Telephones have an app for it; elsewhere the page shows what the camera sees, where the browser lets it. */
const handheld = matchMedia("(pointer: coarse)").matches;
$("camera").hidden = !handheld && !(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);

$("camera").addEventListener("click", async () => {
    if (handheld) {
        $("shot").click();
        return;
    }
    showFailure(pictureAlert, null);
    try {
        $("video").srcObject = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1280}}});
        $("camera-dialog").showModal();
        $("camera-take").focus();
    } catch (error) {
        showFailure(pictureAlert, new Failure(error.name === "NotAllowedError" ? "The browser does not let this page use the camera."
            : "No camera answers.", "Allow it in the browser's address bar, or connect one, then press Take a photo again."));
    }
});
$("camera-cancel").addEventListener("click", () => $("camera-dialog").close());
$("camera-dialog").addEventListener("close", () => {
    for (const track of $("video").srcObject.getTracks())
        track.stop();
    $("video").srcObject = null;
});
$("camera-take").addEventListener("click", () => {
    const video = $("video"), canvas = make("canvas", {width: video.videoWidth, height: video.videoHeight});
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
        $("camera-dialog").close();
        if (blob)
            setPicture(new File([blob], "photo.jpg", {type: blob.type}));
    }, "image/jpeg", 0.92);
});

/* ------------------------------------------------------------------ start ---- */

function choosesModel() {
    model = models[$("model").selectedIndex];
    origin = null;
    past = [];
    $("trail").hidden = true;
    forgetLayers();
    showWhatThereIs();
    run();
}

function ready() {
    $("state").replaceChildren();
    $("models").hidden = models.length < 2;
    $("motto").textContent = models.length < 2 ? models[0].id : "";
    $("model").replaceChildren(...models.map((m) => make("option", {textContent: m.id})));
    $("model").addEventListener("change", choosesModel);
    $("links").hidden = key !== ""; /* a link cannot send the key */
    for (const name of summary.samples || []) {
        const image = make("img", {src: `v1/samples/${encodeURIComponent(name)}`, alt: name.replace(/\.\w+$/, ""), loading: "lazy"});
        $("samples").append(make("button", {type: "button", title: `Try ${name}`, onclick: () => trySample(name)}, image));
    }
    $("samples").hidden = !(summary.samples || []).length;
    $("main").hidden = false;
    choosesModel();
}

async function start() {
    try {
        summary = await (await send({path: "./"})).json();
        models = (await (await send({path: "v1/models"})).json()).data;
        ready();
    } catch (error) {
        if (error.code === "unavailable") {
            $("state").textContent = "The server is loading its models. This page goes on by itself.";
            setTimeout(start, 1000);
            return;
        }
        showFailure($("state"), error, start);
    }
}

start();
