/* SPDX-License-Identifier: BSD-2-Clause */
#include "pickle.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "limit.h"
#include "memory.h"

/* ------------------------------------------------------------------ names ---- */

/* What a dictionary of tensors asks for, and nothing else. */
enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_TENSOR_OLD, REBUILD_PARAMETER, FIRST_STORAGE };

static const struct {
    const char *module, *name;
} callables[FIRST_STORAGE] = {
    [ORDERED_DICT] = {"collections", "OrderedDict"},
    [REBUILD_TENSOR] = {"torch._utils", "_rebuild_tensor_v2"},
    [REBUILD_TENSOR_OLD] = {"torch._utils", "_rebuild_tensor"},
    [REBUILD_PARAMETER] = {"torch._utils", "_rebuild_parameter"},
};

static const vit__storage_type storages[] = {
    {"FloatStorage", "F32", 4}, {"HalfStorage", "F16", 2}, {"BFloat16Storage", "BF16", 2}, {"DoubleStorage", "F64", 8},
    {"LongStorage", "I64", 8},  {"IntStorage", "I32", 4},  {"ShortStorage", "I16", 2},     {"CharStorage", "I8", 1},
    {"ByteStorage", "U8", 1},   {"BoolStorage", "BOOL", 1}};
#define N_STORAGES (sizeof storages / sizeof *storages)

const vit__storage_type *vit__pickle_storage_type(vit__pickled name)
{
    bool storage = name.kind == VIT__PICKLED_NAME && name.size >= FIRST_STORAGE;
    return storage ? &storages[name.size - FIRST_STORAGE] : NULL;
}

static bool same(const char *text, const char *bytes, size_t size)
{
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

/* ------------------------------------------------------------------ the machine ---- */

typedef struct machine {
    vit__pickle *pickle;
    const char *bytes;
    size_t size, at;
    vit__pickled *stack, *memo;
    size_t depth, stack_room, n_memo, memo_room;
    const char *where;
    vit_error *err;
} machine;

static vit_status broken(const machine *m, const char *what)
{
    return vit__fail(m->err, VIT_ERR_CORRUPT, m->where, "not a pickle of tensors: %s at byte %zu", what, m->at);
}

static vit_status push(machine *m, vit__pickled value)
{
    if (m->depth >= VIT__LIMIT_PICKLE_DEPTH)
        return broken(m, "too many values");
    vit__pickled *grown = vit__grow(m->stack, &m->stack_room, m->depth, 1, sizeof *grown);
    if (!grown)
        return vit__fail_memory(m->err, m->where);
    m->stack = grown;
    m->stack[m->depth++] = value;
    return VIT_OK;
}

static vit_status pop(machine *m, vit__pickled *value)
{
    *value = (vit__pickled){0};
    if (m->depth == 0 || m->stack[m->depth - 1].kind == VIT__PICKLED_MARK)
        return broken(m, "a value is missing");
    *value = m->stack[--m->depth];
    return VIT_OK;
}

/* Values from the last mark on, which goes too: *first is where they lie on the stack. */
static vit_status pop_mark(machine *m, size_t *first, size_t *n)
{
    size_t at = m->depth;
    *first = *n = 0;
    while (at > 0 && m->stack[at - 1].kind != VIT__PICKLED_MARK)
        at--;
    if (at == 0)
        return broken(m, "a mark is missing");
    *first = at;
    *n = m->depth - at;
    m->depth = at - 1;
    return VIT_OK;
}

static vit_status new_list(machine *m, vit__pickled_kind kind, vit__pickled *value)
{
    vit__pickle *p = m->pickle;
    vit__pickled_list *grown = vit__grow(p->lists, &p->room, p->n, 1, sizeof *grown);
    *value = (vit__pickled){0};
    if (!grown)
        return vit__fail_memory(m->err, m->where);
    p->lists = grown;
    p->lists[p->n] = (vit__pickled_list){0};
    *value = (vit__pickled){.kind = kind, .index = p->n++};
    return VIT_OK;
}

static vit_status add_items(machine *m, vit__pickled to, const vit__pickled *items, size_t n)
{
    vit__pickled_list *list = &m->pickle->lists[to.index];
    if (n == 0)
        return VIT_OK;
    if (m->pickle->items + n > VIT__LIMIT_PICKLE_ITEMS * m->size) /* a list that is copied again and again */
        return broken(m, "more values than its bytes can name");
    m->pickle->items += n;
    vit__pickled *grown = vit__grow(list->items, &list->room, list->n, n, sizeof *grown);
    if (!grown)
        return vit__fail_memory(m->err, m->where);
    list->items = grown;
    memcpy(list->items + list->n, items, n * sizeof *items);
    list->n += n;
    return VIT_OK;
}

/* A new list of values that lie on the stack, pushed. */
static vit_status push_list(machine *m, vit__pickled_kind kind, size_t first, size_t n)
{
    vit__pickled list;
    vit_status status = new_list(m, kind, &list);
    if (status == VIT_OK && n > 0) /* an empty stack may have no memory */
        status = add_items(m, list, m->stack + first, n);
    return status == VIT_OK ? push(m, list) : status;
}

static vit_status push_tuple(machine *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (m->depth <= i || m->stack[m->depth - 1 - i].kind == VIT__PICKLED_MARK)
            return broken(m, "a value is missing");
    m->depth -= n;
    return push_list(m, VIT__PICKLED_LIST, m->depth, n);
}

/* The container that the values on the stack go into. */
static vit_status fill(machine *m, vit__pickled_kind kind, size_t first, size_t n)
{
    if (m->depth == 0 || m->stack[m->depth - 1].kind != kind || (kind == VIT__PICKLED_DICTIONARY && n % 2 != 0))
        return broken(m, "values for what is no container of theirs");
    return add_items(m, m->stack[m->depth - 1], m->stack + first, n);
}

static vit_status fill_marked(machine *m, vit__pickled_kind kind)
{
    size_t first, n;
    vit_status status = pop_mark(m, &first, &n);
    return status == VIT_OK ? fill(m, kind, first, n) : status;
}

/* The n values on top go into the container below them. */
static vit_status fill_top(machine *m, vit__pickled_kind kind, size_t n)
{
    if (m->depth <= n)
        return broken(m, "a value is missing");
    m->depth -= n;
    return fill(m, kind, m->depth, n);
}

/* ------------------------------------------------------------------ reading ---- */

static bool take(machine *m, size_t n, const char **bytes)
{
    if (n > m->size - m->at)
        return false;
    *bytes = m->bytes + m->at;
    m->at += n;
    return true;
}

static vit_status truncated(const machine *m)
{
    return vit__fail(m->err, VIT_ERR_TRUNCATED, m->where, "its pickle breaks off");
}

/* A number of so many bytes, the lowest first. */
static vit_status take_number(machine *m, size_t n, uint64_t *number)
{
    const char *bytes;
    *number = 0;
    if (!take(m, n, &bytes))
        return truncated(m);
    *number = vit__le(bytes, n);
    return VIT_OK;
}

/* Up to the end of the line, which goes too. */
static vit_status take_line(machine *m, const char **text, size_t *size)
{
    const char *start = m->bytes + m->at, *end = memchr(start, '\n', m->size - m->at);
    *text = start;
    *size = 0;
    if (!end)
        return truncated(m);
    *size = (size_t)(end - start);
    m->at += *size + 1;
    return VIT_OK;
}

static vit_status push_integer(machine *m, size_t bytes, bool is_signed)
{
    uint64_t number;
    vit_status status = take_number(m, bytes, &number);
    int64_t value = is_signed && bytes == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
    return status == VIT_OK ? push(m, (vit__pickled){.kind = VIT__PICKLED_INTEGER, .integer = value}) : status;
}

/* A whole number of any length. More than 8 bytes are a magic number, which is never used as a size: it becomes -1. */
static vit_status push_long(machine *m)
{
    uint64_t n;
    const char *bytes;
    vit_status status = take_number(m, 1, &n);
    if (status != VIT_OK)
        return status;
    if (!take(m, (size_t)n, &bytes))
        return truncated(m);
    uint64_t value = vit__le(bytes, n < 8 ? (size_t)n : 8);
    bool negative = n > 0 && (unsigned char)bytes[n - 1] >= 0x80;
    if (negative && n < 8)
        value |= ~(uint64_t)0 << (8 * n);
    if (n > 8)
        value = UINT64_MAX; /* -1 */
    return push(m, (vit__pickled){.kind = VIT__PICKLED_INTEGER, .integer = (int64_t)value});
}

static vit_status push_text(machine *m, size_t length_bytes)
{
    uint64_t n;
    const char *text;
    vit_status status = take_number(m, length_bytes, &n);
    if (status != VIT_OK)
        return status;
    if (n > m->size || !take(m, (size_t)n, &text))
        return truncated(m);
    return push(m, (vit__pickled){.kind = VIT__PICKLED_TEXT, .text = text, .size = (size_t)n});
}

/* ------------------------------------------------------------------ names and calls ---- */

static vit_status push_name(machine *m, const char *module, size_t module_size, const char *name, size_t size)
{
    vit__pickled value = {.kind = VIT__PICKLED_NAME, .size = SIZE_MAX};
    for (size_t i = 0; i < FIRST_STORAGE; i++)
        if (same(callables[i].module, module, module_size) && same(callables[i].name, name, size))
            value.size = i;
    for (size_t i = 0; i < N_STORAGES; i++)
        if (same("torch", module, module_size) && same(storages[i].name, name, size))
            value.size = FIRST_STORAGE + i;
    if (value.size != SIZE_MAX)
        return push(m, value);
    return vit__fail(m->err, VIT_ERR_UNSUPPORTED_MODEL, m->where,
                     "its pickle asks for %.*s.%.*s, which no dictionary of tensors needs: it is not read",
                     (int)(module_size < 100 ? module_size : 100), module, (int)(size < 100 ? size : 100), name);
}

static vit_status push_global(machine *m)
{
    const char *module, *name = NULL;
    size_t module_size, size = 0;
    vit_status status = take_line(m, &module, &module_size);
    if (status == VIT_OK)
        status = take_line(m, &name, &size);
    return status == VIT_OK ? push_name(m, module, module_size, name, size) : status;
}

static vit_status push_stacked_global(machine *m)
{
    vit__pickled module = {0}, name;
    vit_status status = pop(m, &name);
    if (status == VIT_OK)
        status = pop(m, &module);
    if (status != VIT_OK)
        return status;
    if (module.kind != VIT__PICKLED_TEXT || name.kind != VIT__PICKLED_TEXT)
        return broken(m, "a name that is no text");
    return push_name(m, module.text, module.size, name.text, name.size);
}

/* ("storage", type, key, device, elements): becomes type, key, elements. */
static vit_status push_storage(machine *m)
{
    vit__pickled id;
    vit_status status = pop(m, &id);
    if (status != VIT_OK)
        return status;
    const vit__pickle *p = m->pickle;
    const vit__pickled kind = vit__pickle_at(p, id, 0), view = vit__pickle_at(p, id, 5);
    const vit__pickled items[] = {vit__pickle_at(p, id, 1), vit__pickle_at(p, id, 2), vit__pickle_at(p, id, 4)};
    bool sound = id.kind == VIT__PICKLED_LIST && kind.kind == VIT__PICKLED_TEXT &&
                 same("storage", kind.text, kind.size) && vit__pickle_storage_type(items[0]) &&
                 items[1].kind == VIT__PICKLED_TEXT && items[2].kind == VIT__PICKLED_INTEGER && items[2].integer >= 0 &&
                 view.kind == VIT__PICKLED_NONE;
    if (!sound)
        return broken(m, "a persistent id that is no storage");
    vit__pickled storage;
    status = new_list(m, VIT__PICKLED_STORAGE, &storage);
    if (status == VIT_OK)
        status = add_items(m, storage, items, 3);
    return status == VIT_OK ? push(m, storage) : status;
}

/* (storage, offset, size, stride, ...) */
static vit_status push_tensor(machine *m, vit__pickled arguments)
{
    vit__pickled items[4], tensor;
    for (size_t i = 0; i < 4; i++)
        items[i] = vit__pickle_at(m->pickle, arguments, i);
    if (items[0].kind != VIT__PICKLED_STORAGE || items[1].kind != VIT__PICKLED_INTEGER ||
        items[2].kind != VIT__PICKLED_LIST || items[3].kind != VIT__PICKLED_LIST)
        return broken(m, "a tensor that is not made of a storage, an offset, a size and strides");
    vit_status status = new_list(m, VIT__PICKLED_TENSOR, &tensor);
    if (status == VIT_OK)
        status = add_items(m, tensor, items, 4);
    return status == VIT_OK ? push(m, tensor) : status;
}

/* OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it */
static vit_status push_ordered(machine *m, vit__pickled arguments)
{
    vit__pickled dictionary, pairs = vit__pickle_at(m->pickle, arguments, 0);
    vit_status status = new_list(m, VIT__PICKLED_DICTIONARY, &dictionary);
    for (size_t i = 0; status == VIT_OK && i < vit__pickle_length(m->pickle, pairs); i++) {
        const vit__pickled pair = vit__pickle_at(m->pickle, pairs, i);
        const vit__pickled items[] = {vit__pickle_at(m->pickle, pair, 0), vit__pickle_at(m->pickle, pair, 1)};
        status = add_items(m, dictionary, items, 2);
    }
    return status == VIT_OK ? push(m, dictionary) : status;
}

static vit_status call(machine *m)
{
    vit__pickled arguments, name = {0};
    vit_status status = pop(m, &arguments);
    if (status == VIT_OK)
        status = pop(m, &name);
    if (status != VIT_OK)
        return status;
    if (name.kind != VIT__PICKLED_NAME || arguments.kind != VIT__PICKLED_LIST)
        return broken(m, "a call of what is no name");
    switch (name.size) {
    case ORDERED_DICT:
        return push_ordered(m, arguments);
    case REBUILD_TENSOR:
    case REBUILD_TENSOR_OLD:
        return push_tensor(m, arguments);
    case REBUILD_PARAMETER: {
        const vit__pickled tensor = vit__pickle_at(m->pickle, arguments, 0);
        return tensor.kind == VIT__PICKLED_TENSOR ? push(m, tensor) : broken(m, "a parameter without a tensor");
    }
    default:
        return broken(m, "a call of a storage");
    }
}

/* ------------------------------------------------------------------ memory of the program ---- */

static vit_status remember(machine *m, uint64_t place)
{
    if (m->depth == 0)
        return broken(m, "a value is missing");
    if (place > m->n_memo) /* Python counts from 0 on without holes */
        return broken(m, "a remembered value out of order");
    if (place == m->n_memo) {
        vit__pickled *grown = vit__grow(m->memo, &m->memo_room, m->n_memo, 1, sizeof *grown);
        if (!grown)
            return vit__fail_memory(m->err, m->where);
        m->memo = grown;
        m->n_memo++;
    }
    m->memo[place] = m->stack[m->depth - 1];
    return VIT_OK;
}

static vit_status remember_at(machine *m, size_t bytes)
{
    uint64_t place;
    vit_status status = take_number(m, bytes, &place);
    return status == VIT_OK ? remember(m, place) : status;
}

static vit_status recall(machine *m, size_t bytes)
{
    uint64_t place;
    vit_status status = take_number(m, bytes, &place);
    if (status != VIT_OK)
        return status;
    return place < m->n_memo ? push(m, m->memo[place]) : broken(m, "a value that was never remembered");
}

/* ------------------------------------------------------------------ instructions ---- */

static vit_status push_marked(machine *m, vit__pickled_kind kind)
{
    size_t first, n;
    vit_status status = pop_mark(m, &first, &n);
    if (status == VIT_OK && kind == VIT__PICKLED_DICTIONARY && n % 2 != 0)
        return broken(m, "a key without a value");
    return status == VIT_OK ? push_list(m, kind, first, n) : status;
}

static vit_status drop(machine *m)
{
    vit__pickled value;
    return pop(m, &value);
}

static vit_status skip(machine *m, size_t n)
{
    const char *bytes;
    return take(m, n, &bytes) ? VIT_OK : truncated(m);
}

static vit_status push_kind(machine *m, vit__pickled_kind kind, int64_t integer)
{
    return push(m, (vit__pickled){.kind = kind, .integer = integer});
}

static vit_status push_real(machine *m)
{
    vit_status status = skip(m, 8);
    return status == VIT_OK ? push_kind(m, VIT__PICKLED_REAL, 0) : status;
}

/* All instructions but the last one, STOP, by their byte (pickletools.py of Python lists them). */
static vit_status step(machine *m, unsigned char code)
{
    switch (code) {
    case 0x80:
        return skip(m, 1); /* PROTO */
    case 0x95:
        return skip(m, 8); /* FRAME */
    case '(':
        return push_kind(m, VIT__PICKLED_MARK, 0);
    case 'N':
        return push_kind(m, VIT__PICKLED_NONE, 0);
    case 0x88:
        return push_kind(m, VIT__PICKLED_BOOLEAN, 1);
    case 0x89:
        return push_kind(m, VIT__PICKLED_BOOLEAN, 0);
    case 'K':
        return push_integer(m, 1, false); /* BININT1 */
    case 'M':
        return push_integer(m, 2, false); /* BININT2 */
    case 'J':
        return push_integer(m, 4, true); /* BININT */
    case 0x8a:
        return push_long(m); /* LONG1 */
    case 'G':
        return push_real(m); /* BINFLOAT */
    case 'X':
        return push_text(m, 4); /* BINUNICODE */
    case 0x8c:
        return push_text(m, 1); /* SHORT_BINUNICODE */
    case 0x8d:
        return push_text(m, 8); /* BINUNICODE8 */
    case 'U':
        return push_text(m, 1); /* SHORT_BINSTRING */
    case 'T':
        return push_text(m, 4); /* BINSTRING */
    case ')':
        return push_list(m, VIT__PICKLED_LIST, m->depth, 0);
    case ']':
        return push_list(m, VIT__PICKLED_LIST, m->depth, 0);
    case '}':
        return push_list(m, VIT__PICKLED_DICTIONARY, m->depth, 0);
    case 0x85:
        return push_tuple(m, 1);
    case 0x86:
        return push_tuple(m, 2);
    case 0x87:
        return push_tuple(m, 3);
    case 't':
        return push_marked(m, VIT__PICKLED_LIST);
    case 'l':
        return push_marked(m, VIT__PICKLED_LIST);
    case 'd':
        return push_marked(m, VIT__PICKLED_DICTIONARY);
    case 'a':
        return fill_top(m, VIT__PICKLED_LIST, 1);
    case 's':
        return fill_top(m, VIT__PICKLED_DICTIONARY, 2);
    case 'e':
        return fill_marked(m, VIT__PICKLED_LIST);
    case 'u':
        return fill_marked(m, VIT__PICKLED_DICTIONARY);
    case '0':
        return drop(m); /* POP */
    case 'b':
        return drop(m); /* BUILD: attributes of a dictionary, "_metadata" */
    case 'q':
        return remember_at(m, 1); /* BINPUT */
    case 'r':
        return remember_at(m, 4); /* LONG_BINPUT */
    case 0x94:
        return remember(m, m->n_memo); /* MEMOIZE */
    case 'h':
        return recall(m, 1); /* BINGET */
    case 'j':
        return recall(m, 4); /* LONG_BINGET */
    case 'c':
        return push_global(m); /* GLOBAL */
    case 0x93:
        return push_stacked_global(m); /* STACK_GLOBAL */
    case 'Q':
        return push_storage(m); /* BINPERSID */
    case 'R':
        return call(m); /* REDUCE */
    default:
        break;
    }
    return vit__fail(m->err, VIT_ERR_UNSUPPORTED_MODEL, m->where,
                     "its pickle has the instruction 0x%02x at byte %zu, which no dictionary of tensors needs: it is "
                     "not read",
                     code, m->at - 1);
}

static vit_status run(machine *m, vit__pickled *value)
{
    vit_status status = VIT_OK;
    while (status == VIT_OK) {
        if (m->at >= m->size)
            return truncated(m);
        unsigned char code = (unsigned char)m->bytes[m->at++];
        if (code == '.')
            return pop(m, value);
        status = step(m, code);
    }
    return status;
}

vit_status vit__pickle_read(vit__pickle *pickle, const char *bytes, size_t size, size_t *at, const char *where,
                            vit__pickled *value, vit_error *err)
{
    machine m = {.pickle = pickle, .bytes = bytes, .size = size, .at = *at, .where = where, .err = err};
    *value = (vit__pickled){0};
    vit_status status = run(&m, value);
    free(m.stack);
    free(m.memo);
    *at = m.at;
    return status;
}

void vit__pickle_free(vit__pickle *pickle)
{
    for (size_t i = 0; i < pickle->n; i++)
        free(pickle->lists[i].items);
    free(pickle->lists);
    *pickle = (vit__pickle){0};
}

size_t vit__pickle_length(const vit__pickle *pickle, vit__pickled list)
{
    bool has = list.kind >= VIT__PICKLED_LIST && list.kind <= VIT__PICKLED_TENSOR && list.kind != VIT__PICKLED_NAME;
    return has ? pickle->lists[list.index].n : 0;
}

vit__pickled vit__pickle_at(const vit__pickle *pickle, vit__pickled list, size_t i)
{
    return i < vit__pickle_length(pickle, list) ? pickle->lists[list.index].items[i] : (vit__pickled){0};
}
