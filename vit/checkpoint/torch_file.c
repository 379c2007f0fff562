/* SPDX-License-Identifier: BSD-2-Clause */
#include "torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "pickle.h"
#include "size.h"
#include "zip.h"

static const unsigned char zip_magic[] = {'P', 'K', 3, 4};
/* A pickle of the number 0x1950a86a20f9469cfc6c. */
static const unsigned char old_magic[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c,
                                          0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

static bool starts(const void *bytes, size_t size, const unsigned char *magic, size_t n)
{
    return size >= n && memcmp(bytes, magic, n) == 0;
}

bool vit__torch_file_is(const void *bytes, size_t size)
{
    return starts(bytes, size, zip_magic, sizeof zip_magic) || starts(bytes, size, old_magic, sizeof old_magic);
}

/* The elements of a storage. */
typedef struct storage {
    const char *key;
    size_t key_size;
    const char *data;
    size_t size; /* bytes */
} storage;

typedef struct reading {
    const char *bytes;
    size_t size;
    const char *where;
    vit__pickle pickle;
    vit__zip zip;
    const char *folder; /* "NAME/" in the zip, not terminated */
    size_t folder_size;
    storage *storages; /* of an old file, sorted by key */
    size_t n_storages;
    vit__safetensors *result;
    size_t room;   /* tensors */
    size_t copied; /* bytes */
    vit_error *err;
} reading;

static vit_status broken(const reading *r, const char *what)
{
    return vit__fail(r->err, VIT_ERR_CORRUPT, r->where, "not a file of torch.save: %s", what);
}

/* ------------------------------------------------------------------ storages ---- */

static int compare_keys(const storage *a, const storage *b)
{
    int order = memcmp(a->key, b->key, a->key_size < b->key_size ? a->key_size : b->key_size);
    return order ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static int by_key(const void *left, const void *right)
{
    return compare_keys(left, right);
}

/* The member "NAME/data/KEY". */
static bool find_member(const reading *r, storage *s)
{
    char name[512];
    size_t size = r->folder_size + sizeof "data/" - 1 + s->key_size;
    if (size >= sizeof name)
        return false;
    memcpy(name, r->folder, r->folder_size);
    memcpy(name + r->folder_size, "data/", sizeof "data/" - 1);
    memcpy(name + size - s->key_size, s->key, s->key_size);
    const vit__zip_member *member = vit__zip_find(&r->zip, name, size);
    if (member) {
        s->data = member->data;
        s->size = member->size;
    }
    return member != NULL;
}

static bool find_storage(const reading *r, storage *s)
{
    if (r->folder)
        return find_member(r, s);
    const storage *found = r->n_storages ? bsearch(s, r->storages, r->n_storages, sizeof *s, by_key) : NULL;
    if (found)
        *s = *found;
    return found != NULL;
}

/* ------------------------------------------------------------------ tensors ---- */

/* A tensor as the pickle describes it. */
typedef struct view {
    const vit__storage_type *type;
    storage storage;
    size_t offset, rank, shape[VIT__LIMIT_TENSOR_RANK], strides[VIT__LIMIT_TENSOR_RANK], elements;
} view;

static bool read_sizes(const reading *r, vit__pickled list, size_t *sizes, size_t rank)
{
    for (size_t i = 0; i < rank; i++) {
        const vit__pickled item = vit__pickle_at(&r->pickle, list, i);
        if (item.kind != VIT__PICKLED_INTEGER || item.integer < 0)
            return false;
        sizes[i] = (size_t)item.integer;
    }
    return vit__pickle_length(&r->pickle, list) == rank;
}

/* The last element that the strides reach must lie in the storage, and the tensor be no larger than that: one that is
 * spread out by strides of 0 could be of any size. */
static bool fits(const view *v)
{
    size_t last = v->offset, elements = v->storage.size / v->type->bytes, span;
    for (size_t i = 0; i < v->rank; i++)
        if (v->elements && (!vit__multiply(v->shape[i] - 1, v->strides[i], &span) || !vit__add(last, span, &last)))
            return false;
    return v->elements == 0 || (last < elements && v->elements <= elements);
}

static vit_status read_view(const reading *r, const char *name, vit__pickled tensor, view *v)
{
    const vit__pickled from = vit__pickle_at(&r->pickle, tensor, 0), shape = vit__pickle_at(&r->pickle, tensor, 2);
    const vit__pickled key = vit__pickle_at(&r->pickle, from, 1), offset = vit__pickle_at(&r->pickle, tensor, 1);
    *v = (view){.type = vit__pickle_storage_type(vit__pickle_at(&r->pickle, from, 0)),
                .storage = {.key = key.text, .key_size = key.size},
                .offset = (size_t)offset.integer,
                .rank = vit__pickle_length(&r->pickle, shape),
                .elements = 1};
    if (v->rank > VIT__LIMIT_TENSOR_RANK)
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->where, "tensor \"%.200s\" has %zu dimensions; at most %d are read",
                         name, v->rank, VIT__LIMIT_TENSOR_RANK);
    bool sound = offset.integer >= 0 && read_sizes(r, shape, v->shape, v->rank) &&
                 read_sizes(r, vit__pickle_at(&r->pickle, tensor, 3), v->strides, v->rank);
    for (size_t i = 0; sound && i < v->rank; i++)
        sound = vit__multiply(v->elements, v->shape[i], &v->elements);
    if (!sound)
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->where,
                         "tensor \"%.200s\" has a size or strides that make no sense", name);
    if (!find_storage(r, &v->storage))
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->where, "tensor \"%.200s\": its storage is not in the file", name);
    if (!fits(v))
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->where, "tensor \"%.200s\" goes past the end of its storage", name);
    return VIT_OK;
}

/* Do the elements lie row after row, without gaps? */
static bool in_rows(const view *v)
{
    size_t step = 1;
    for (size_t i = v->rank; i-- > 0;) {
        if (v->shape[i] != 1 && v->strides[i] != step)
            return false;
        step *= v->shape[i];
    }
    return true;
}

/* Row after row into a copy. */
static void gather(const view *v, char *to)
{
    size_t index[VIT__LIMIT_TENSOR_RANK] = {0}, at = v->offset, bytes = v->type->bytes;
    for (size_t n = 0; n < v->elements; n++, to += bytes) {
        memcpy(to, v->storage.data + at * bytes, bytes);
        for (size_t i = v->rank; i-- > 0;) {
            at += v->strides[i];
            if (++index[i] < v->shape[i])
                break;
            at -= v->shape[i] * v->strides[i];
            index[i] = 0;
        }
    }
}

/* Memory that the result owns. */
static vit_status own(const reading *r, void *memory)
{
    vit__safetensors *s = r->result;
    void **grown = memory ? vit__grow(s->owned, &s->owned_room, s->n_owned, 1, sizeof *grown) : NULL;
    if (!grown) {
        free(memory);
        return vit__fail_memory(r->err, r->where);
    }
    s->owned = grown;
    s->owned[s->n_owned++] = memory;
    return VIT_OK;
}

static vit_status add_tensor(reading *r, const char *name, vit__pickled tensor)
{
    vit__safetensors *s = r->result;
    view v;
    vit_status status = read_view(r, name, tensor, &v);
    if (status != VIT_OK)
        return status;
    vit__tensor *grown = vit__grow(s->tensors, &r->room, s->n_tensors, 1, sizeof *grown);
    if (!grown)
        return vit__fail_memory(r->err, r->where);
    s->tensors = grown;
    size_t bytes = v.type->bytes, size = v.elements * bytes;
    const char *data = v.elements ? v.storage.data + v.offset * bytes : v.storage.data;
    if (size > 0 && !in_rows(&v)) {
        if (r->copied + size > VIT__LIMIT_TORCH_COPIES * r->size) /* the same storage turned again and again */
            return broken(r, "its tensors are more than its bytes");
        r->copied += size;
        char *copy = vit__alloc_aligned(size, 1);
        if (copy)
            gather(&v, copy);
        status = own(r, copy);
        data = copy;
    }
    vit__tensor added = {.name = name, .dtype_name = v.type->dtype, .rank = v.rank, .data = data, .size = size};
    vit__tensor_dtype(v.type->dtype, &added.dtype);
    memcpy(added.shape, v.shape, sizeof added.shape);
    s->tensors[s->n_tensors++] = added;
    return status;
}

/* The tensors of a dictionary, and a name for each. */
static vit_status add_tensors(reading *r, vit__pickled dictionary)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && i + 1 < vit__pickle_length(&r->pickle, dictionary); i += 2) {
        const vit__pickled key = vit__pickle_at(&r->pickle, dictionary, i);
        const vit__pickled value = vit__pickle_at(&r->pickle, dictionary, i + 1);
        if (value.kind != VIT__PICKLED_TENSOR || key.kind != VIT__PICKLED_TEXT)
            continue;
        char *name = memchr(key.text, 0, key.size) ? NULL : vit__alloc(key.size + 1, 1);
        if (!name && memchr(key.text, 0, key.size))
            return broken(r, "a name holds U+0000");
        if (name) {
            memcpy(name, key.text, key.size);
            name[key.size] = '\0';
        }
        status = own(r, name);
        if (status == VIT_OK)
            status = add_tensor(r, name, value);
    }
    return status;
}

/* ------------------------------------------------------------------ the object ---- */

/* Trainers keep the dictionary of tensors below a name, beside what else they need to go on. */
static vit__pickled find_dictionary(const reading *r, vit__pickled object)
{
    static const char *const names[] = {"state_dict", "model"};
    for (size_t i = 0; i + 1 < vit__pickle_length(&r->pickle, object); i += 2) {
        const vit__pickled key = vit__pickle_at(&r->pickle, object, i);
        const vit__pickled value = vit__pickle_at(&r->pickle, object, i + 1);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (value.kind == VIT__PICKLED_DICTIONARY && key.kind == VIT__PICKLED_TEXT &&
                key.size == strlen(names[k]) && memcmp(key.text, names[k], key.size) == 0)
                return value;
    }
    return object;
}

static int by_tensor_name(const void *left, const void *right)
{
    const vit__tensor *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static vit_status take_object(reading *r, vit__pickled object)
{
    vit__safetensors *s = r->result;
    if (object.kind != VIT__PICKLED_DICTIONARY)
        return broken(r, "it holds no dictionary of tensors");
    vit_status status = add_tensors(r, find_dictionary(r, object));
    if (status != VIT_OK)
        return status;
    if (s->n_tensors == 0)
        return broken(r, "its dictionary holds no tensor");
    qsort(s->tensors, s->n_tensors, sizeof *s->tensors, by_tensor_name);
    for (size_t i = 1; i < s->n_tensors; i++)
        if (strcmp(s->tensors[i - 1].name, s->tensors[i].name) == 0)
            return vit__fail(r->err, VIT_ERR_CORRUPT, r->where, "tensor \"%.200s\" is there twice", s->tensors[i].name);
    return VIT_OK;
}

/* ------------------------------------------------------------------ the two forms ---- */

static bool ends_so(const vit__zip_member *member, const char *ending, size_t size)
{
    return member->name_size >= size && memcmp(member->name + member->name_size - size, ending, size) == 0;
}

static vit_status read_zip(reading *r)
{
    static const char pickle[] = "/data.pkl", order[] = "byteorder";
    const vit__zip_member *object = NULL;
    vit_status status = vit__zip_open(r->bytes, r->size, r->where, &r->zip, r->err);
    if (status != VIT_OK)
        return status;
    for (size_t i = 0; i < r->zip.n; i++) {
        const vit__zip_member *member = &r->zip.members[i];
        if (ends_so(member, order, sizeof order - 1) && member->size >= 3 && memcmp(member->data, "big", 3) == 0)
            return vit__fail(r->err, VIT_ERR_UNSUPPORTED_MODEL, r->where,
                             "its numbers are stored with the high byte first");
        if (!object && ends_so(member, pickle, sizeof pickle - 1))
            object = member;
    }
    if (!object)
        return broken(r, "the archive has no data.pkl");
    r->folder = object->name;
    r->folder_size = object->name_size - (sizeof "data.pkl" - 1);
    vit__pickled value;
    size_t at = 0;
    status = vit__pickle_read(&r->pickle, object->data, object->size, &at, r->where, &value, r->err);
    return status == VIT_OK ? take_object(r, value) : status;
}

/* Every storage that a pickle names, sorted by key; its size is that of one element. NULL: out of memory. */
static storage *list_named(const reading *r, size_t *n)
{
    storage *named = vit__alloc_zero(r->pickle.n + 1, sizeof *named);
    *n = 0;
    for (size_t i = 0; named && i < r->pickle.n; i++) {
        const vit__pickled list = {.kind = VIT__PICKLED_STORAGE, .index = i};
        const vit__pickled key = vit__pickle_at(&r->pickle, list, 1);
        const vit__storage_type *type = vit__pickle_storage_type(vit__pickle_at(&r->pickle, list, 0));
        if (type && key.kind == VIT__PICKLED_TEXT)
            named[(*n)++] = (storage){key.text, key.size, NULL, type->bytes};
    }
    if (named)
        qsort(named, *n, sizeof *named, by_key);
    return named;
}

/* Behind the pickles of an old file: for every key 8 bytes that count, and the elements. */
static vit_status read_old_storage(const reading *r, const storage *named, size_t n_named, size_t *at, storage *s)
{
    const storage *found = n_named ? bsearch(s, named, n_named, sizeof *s, by_key) : NULL;
    uint64_t count = 0;
    if (!found)
        return broken(r, "a storage that nothing names");
    if (r->size - *at < 8)
        return vit__fail(r->err, VIT_ERR_TRUNCATED, r->where, "its storages break off");
    memcpy(&count, r->bytes + *at, 8);
    *at += 8;
    if (count > (r->size - *at) / found->size)
        return vit__fail(r->err, VIT_ERR_TRUNCATED, r->where, "its storages break off");
    s->data = r->bytes + *at;
    s->size = (size_t)count * found->size;
    *at += s->size;
    return VIT_OK;
}

static vit_status read_old_storages(reading *r, vit__pickled keys, size_t at)
{
    size_t n = vit__pickle_length(&r->pickle, keys), n_named;
    storage *named = list_named(r, &n_named);
    vit_status status = VIT_OK;
    r->storages = vit__alloc_zero(n + 1, sizeof *r->storages);
    if (!r->storages || !named)
        status = vit__fail_memory(r->err, r->where);
    for (size_t i = 0; i < n && status == VIT_OK; i++) {
        const vit__pickled key = vit__pickle_at(&r->pickle, keys, i);
        storage *s = &r->storages[r->n_storages++];
        *s = (storage){.key = key.text, .key_size = key.size};
        status = key.kind == VIT__PICKLED_TEXT ? read_old_storage(r, named, n_named, &at, s)
                                               : broken(r, "a key that is no text");
    }
    free(named);
    if (status == VIT_OK)
        qsort(r->storages, r->n_storages, sizeof *r->storages, by_key);
    return status;
}

/* Magic number, version, machine, the object, and the keys of its storages. */
static vit_status read_old(reading *r)
{
    enum { MAGIC, VERSION, MACHINE, OBJECT, KEYS, PICKLES };
    vit__pickled values[PICKLES];
    size_t at = 0;
    vit_status status = VIT_OK;
    for (size_t i = 0; i < PICKLES && status == VIT_OK; i++)
        status = vit__pickle_read(&r->pickle, r->bytes, r->size, &at, r->where, &values[i], r->err);
    if (status == VIT_OK && (values[VERSION].kind != VIT__PICKLED_INTEGER || values[VERSION].integer != 1001))
        return broken(r, "its version is not 1001");
    if (status == VIT_OK)
        status = read_old_storages(r, values[KEYS], at);
    return status == VIT_OK ? take_object(r, values[OBJECT]) : status;
}

vit_status vit__torch_file_parse(const void *bytes, size_t size, const char *where, vit__safetensors *result,
                                 vit_error *err)
{
    reading r = {.bytes = bytes, .size = size, .where = where, .result = result, .err = err};
    *result = (vit__safetensors){0};
    vit_status status = starts(bytes, size, zip_magic, sizeof zip_magic)   ? read_zip(&r)
                        : starts(bytes, size, old_magic, sizeof old_magic) ? read_old(&r)
                                                                           : broken(&r, "its first bytes are others");
    vit__pickle_free(&r.pickle);
    vit__zip_free(&r.zip);
    free(r.storages);
    if (status != VIT_OK)
        vit__safetensors_free(result);
    return status;
}
