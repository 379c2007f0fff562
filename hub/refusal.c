/* SPDX-License-Identifier: BSD-2-Clause */
#include "refusal.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

typedef enum meaning { NO_REPOSITORY, GATED, NO_REVISION, NO_FILE, NO_ACCESS, CUT, OTHER } meaning;

static const struct {
    const char *code; /* X-Error-Code */
    meaning meaning;
} codes[] = {
    {"RepoNotFound", NO_REPOSITORY},
    {"GatedRepo", GATED},
    {"RevisionNotFound", NO_REVISION},
    {"EntryNotFound", NO_FILE},
};

/* file: "" where the answer is about the whole repository. A repository that has been listed is there. */
static meaning read_meaning(const vit__settings *s, const char *file, const vit__answer *answer)
{
    char code[64];
    vit__answer_header(answer, "X-Error-Code", code, sizeof code);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].meaning;
    switch (answer->status) {
    case 200:
    case 206:
        return CUT;
    case 401:
        return s->token ? NO_ACCESS : NO_REPOSITORY;
    case 403:
        return NO_ACCESS;
    case 404:
        return *file ? OTHER : NO_REPOSITORY;
    default:
        return OTHER;
    }
}

/* " (the hub says: ...)", of printable text that does not repeat the token. */
static void quote(const vit__settings *s, const vit__answer *answer, char *text, size_t size)
{
    char said[200];
    *text = 0;
    if (!vit__answer_header(answer, "X-Error-Message", said, sizeof said) || !*said ||
        (s->token && strstr(said, s->token)))
        return;
    for (char *c = said; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    snprintf(text, size, " (the hub says: %s)", said);
}

static vit_status fail_status(const vit__settings *s, const char *file, const vit__answer *answer, vit_error *err)
{
    char said[256];
    const char *id = s->name.id;
    quote(s, answer, said, sizeof said);
    switch (read_meaning(s, file, answer)) {
    case NO_REPOSITORY:
        return vit__fail(
            err, VIT_ERR_NOT_FOUND, s->text,
            "there is no such repository at %s, or it is private: then a token that may read it is needed, "
            "in HF_TOKEN%s",
            s->endpoint, said);
    case GATED:
        return vit__fail(err, VIT_ERR_UNREADABLE, s->text,
                         "its authors have terms that you must accept first: do so at %s/%s, and %s%s", s->endpoint, id,
                         s->token ? "run it again with the token of that account"
                                  : "give a token of that account in HF_TOKEN",
                         said);
    case NO_REVISION:
        return vit__fail(err, VIT_ERR_NOT_FOUND, s->text,
                         "there is no revision %s: see the branches and tags at %s/%s%s", s->name.revision, s->endpoint,
                         id, said);
    case NO_FILE:
        return vit__fail(err, VIT_ERR_NOT_FOUND, s->text, "there is no file %s in the revision %s%s", file,
                         s->name.revision, said);
    case NO_ACCESS:
        return vit__fail(err, VIT_ERR_UNREADABLE, s->text, "the hub gives no access (status %ld): %s%s", answer->status,
                         s->token ? "the token is wrong, has ended, or may not read this repository"
                                  : "a token that may read it is needed, in HF_TOKEN",
                         said);
    case CUT:
        return vit__fail(err, VIT_ERR_UNAVAILABLE, s->text,
                         "%s: what the hub sends ends too early, each time; what has come "
                         "stays for the next run",
                         file);
    default:
        return vit__fail(err, VIT_ERR_UNAVAILABLE, s->text, "%s answers with status %ld%s%s%s", s->endpoint,
                         answer->status, *file ? " to the request for " : "", file, said);
    }
}

vit_status vit__refusal(const vit__settings *s, const char *file, const vit__answer *answer, vit_error *err)
{
    switch (answer->outcome) {
    case VIT__ANSWERED:
        return fail_status(s, file, answer, err);
    case VIT__NO_MEMORY:
        return vit__fail_memory(err, s->text);
    case VIT__CANCELLED:
        return vit__fail(err, VIT_ERR_CANCELLED, s->text, "ended by its caller");
    default:
        return vit__fail(err, VIT_ERR_UNAVAILABLE, s->text, "%s%s%s: no answer: %s", s->endpoint, *file ? ", " : "",
                         file, answer->why);
    }
}
