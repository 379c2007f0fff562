/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is at the encoder: lines as the loaders leave them, without threads and without a model. */
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "turn.h"

#define MOST 8 /* inputs of a line here */

/* A line of an engine, some of whose inputs are ready. */
typedef struct fixture {
    serve_job job;
    serve_line line;
    serve_row rows[MOST];
    size_t ready[MOST];
} fixture;

/* One input takes half as long as two. */
static serve_model model = {.alone = {1, 1}, .together = {2, 2}};

static void enter(serve_engine *engine, fixture *f, vit_tower tower, size_t n)
{
    memset(f, 0, sizeof *f);
    f->job = (serve_job){.model = &model, .tower = tower, .n = n};
    f->line = (serve_line){.job = &f->job, .rows = f->rows, .ready = f->ready, .waits = n};
    serve_line_enter(engine, &f->line);
}

/* A loader has made the next input ready at this moment, in seconds. */
static void make_ready(fixture *f, double moment)
{
    f->rows[f->line.n_ready].ready_at = moment;
    f->ready[f->line.n_ready] = f->line.n_ready;
    f->line.n_ready++;
}

/* A batch of one takes the next input and ends at this moment. Whose input it was; NULL: nothing was ready. */
static serve_line *run_one(serve_engine *engine, double end)
{
    serve_line *line = serve_turn_next(engine, NULL);
    if (line) {
        line->n_taken++;
        line->waits--;
        line->had_turn = end;
    }
    return line;
}

static serve_engine make_engine(void)
{
    serve_engine engine = {.options = {.batch = 1}};
    pthread_cond_init(&engine.to_load, NULL);
    return engine;
}

/* What the others have ready before it came does not hold up a request that comes. */
static void test_one_beside_many(void **state)
{
    (void)state;
    serve_engine engine = make_engine();
    fixture many, one;
    enter(&engine, &many, VIT_TOWER_TEXT, MOST);
    for (int i = 0; i < 4; i++)
        make_ready(&many, 1 + 0.1 * i);
    assert_ptr_equal(run_one(&engine, 3), &many.line);
    enter(&engine, &one, VIT_TOWER_TEXT, 1); /* while that batch ran */
    make_ready(&one, 2);
    assert_ptr_equal(run_one(&engine, 4), &one.line);
    assert_ptr_equal(run_one(&engine, 5), &many.line);
}

/* The same for a request of another tower, with which no batch is shared. */
static void test_towers_take_turns(void **state)
{
    (void)state;
    serve_engine engine = make_engine();
    fixture pictures, words;
    enter(&engine, &pictures, VIT_TOWER_IMAGE, MOST);
    enter(&engine, &words, VIT_TOWER_TEXT, MOST);
    for (int i = 0; i < 4; i++) {
        make_ready(&pictures, 1 + 0.1 * i);
        make_ready(&words, 2 + 0.1 * i);
    }
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(run_one(&engine, 3 + i), &pictures.line);
        const serve_group group = serve_turn_group(&words.line);
        assert_ptr_equal(serve_turn_next(&engine, &group), &words.line);
        assert_ptr_equal(run_one(&engine, 3.5 + i), &words.line);
    }
    assert_null(run_one(&engine, 9));
}

/* Requests that come one after the other do not keep one that waits from its turn. */
static void test_many_beside_ones(void **state)
{
    (void)state;
    serve_engine engine = make_engine();
    fixture many, ones[6];
    enter(&engine, &many, VIT_TOWER_TEXT, MOST);
    for (int i = 0; i < 4; i++)
        make_ready(&many, 1);
    assert_ptr_equal(run_one(&engine, 2), &many.line);
    for (int i = 0; i < 6; i++) { /* the next one comes in the middle of each batch */
        enter(&engine, &ones[i], VIT_TOWER_TEXT, 1);
        make_ready(&ones[i], 1.5 + i);
        bool its_turn = i == 1 || i == 4; /* at 4, ones[1] and ones[2] had come before its last turn ended */
        assert_int_equal(run_one(&engine, 3 + i) == &many.line, its_turn);
    }
}

/* The line whose input joins that of the line whose turn is next; NULL: nobody may join. Nothing is taken. */
static serve_line *joins(const serve_engine *engine)
{
    serve_line *first = serve_turn_next(engine, NULL);
    const serve_line before = *first;
    const serve_group group = serve_turn_group(first);
    first->n_taken++;
    first->had_turn = 100;
    serve_line *other = serve_turn_next(engine, &group);
    *first = before;
    return other;
}

/* The last input of a request shares its batch with last ones alone; that of a long request takes any with it. */
static void test_last_inputs(void **state)
{
    (void)state;
    serve_engine engine = make_engine();
    fixture many, one, another;
    enter(&engine, &many, VIT_TOWER_TEXT, MOST);
    enter(&engine, &one, VIT_TOWER_TEXT, 1);
    for (int i = 0; i < 3; i++)
        make_ready(&many, 2);
    make_ready(&one, 1);
    assert_null(joins(&engine));
    enter(&engine, &another, VIT_TOWER_TEXT, 1);
    make_ready(&another, 3);
    assert_ptr_equal(joins(&engine), &another.line);
    assert_ptr_equal(run_one(&engine, 4), &one.line);
    assert_ptr_equal(joins(&engine), &another.line); /* many is first */
    assert_ptr_equal(run_one(&engine, 5), &many.line);
    assert_ptr_equal(run_one(&engine, 6), &another.line);
}

/* Where one input takes as long as two, or nobody knows, a last one takes any with it. */
static void test_last_inputs_that_are_no_quicker_alone(void **state)
{
    (void)state;
    static serve_model others[] = {
        {.alone = {18, 18}, .together = {15, 15}}, {.alone = {18, 18}}, {.together = {15, 15}}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        serve_engine engine = make_engine();
        fixture many, one;
        enter(&engine, &many, VIT_TOWER_TEXT, MOST);
        enter(&engine, &one, VIT_TOWER_TEXT, 1);
        many.job.model = one.job.model = &others[i];
        make_ready(&many, 2);
        make_ready(&one, 1);
        assert_ptr_equal(joins(&engine), &many.line);
    }
}

/* A line that has ended has no turn. */
static void test_ended(void **state)
{
    (void)state;
    serve_engine engine = make_engine();
    fixture one;
    assert_null(serve_turn_next(&engine, NULL));
    enter(&engine, &one, VIT_TOWER_TEXT, 1);
    assert_null(serve_turn_next(&engine, NULL));
    make_ready(&one, 1);
    assert_ptr_equal(serve_turn_next(&engine, NULL), &one.line);
    one.line.ended = true;
    assert_null(serve_turn_next(&engine, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_beside_many),
        cmocka_unit_test(test_towers_take_turns),
        cmocka_unit_test(test_many_beside_ones),
        cmocka_unit_test(test_last_inputs),
        cmocka_unit_test(test_last_inputs_that_are_no_quicker_alone),
        cmocka_unit_test(test_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
