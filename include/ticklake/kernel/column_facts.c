/* A column of Arrow in, its facts out: how many nulls, and two sums over the hashes of its values.

   `hashes` is the same in any order of the values; `digest` depends on their order, and on where nulls
   are. Both go on with what they were, so that a column in pieces has the facts of the whole.
   The keys are random for each process: facts are compared in one, and never stored.

   Memory. Everything belongs to Python and is only read, but for the facts. Of an array, the rows
   [first, first + rows) are read, whose bits, values, offsets and text are there. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 uint128;

typedef struct {
    uint64_t nulls, hashes, digest;
} Facts;

typedef struct {
    uint64_t start, factor, end;
} Keys;

/* Both halves of a product: every bit of it depends on every bit of the factors. */
static inline uint64_t fold(uint64_t a, uint64_t b) {
    uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline bool is_set(const uint8_t *bits, int64_t at) { return bits[at >> 3] >> (at & 7) & 1; }

static inline uint64_t hash_words(const uint8_t *value, int64_t words, const Keys *keys) {
    uint64_t hash = keys->start, word;
    for (int64_t i = 0; i < words; i++) {
        memcpy(&word, value + 8 * i, 8);
        hash = fold(hash ^ word, keys->factor);
    }
    return hash;
}

static uint64_t hash_text(const uint8_t *text, int64_t length, const Keys *keys) {
    uint64_t rest = 0;
    int64_t words = length / 8;
    if (length % 8) memcpy(&rest, text + 8 * words, (size_t)(length % 8));
    uint64_t hash = fold(hash_words(text, words, keys) ^ rest, keys->factor);
    return hash ^ (uint64_t)length;
}

static inline void add_null(Facts *facts, const Keys *keys) {
    facts->nulls++;
    facts->digest = fold(facts->digest ^ keys->end, keys->factor);
}

static inline void add_value(Facts *facts, uint64_t hash, const Keys *keys) {
    hash = fold(hash ^ keys->start, keys->end);
    facts->hashes += hash;
    facts->digest = fold(facts->digest ^ hash, keys->factor);
}

/* Values of *words* times 64 bits. */
static inline void add_words(Facts *all, const uint8_t *valid, const uint8_t *values, int64_t words,
                             int64_t first, int64_t rows, const Keys *keys) {
    Facts facts = *all;
    for (int64_t row = first; row < first + rows; row++) {
        if (valid && !is_set(valid, row)) add_null(&facts, keys);
        else add_value(&facts, hash_words(values + 8 * words * row, words, keys), keys);
    }
    *all = facts;
}

/* *bits* is the width of a value; 0 of text, whose *values* are its offsets. *valid* may be NULL. */
void ticklake_add_facts(Facts *facts, const Keys *keys, int32_t bits, const uint8_t *valid,
                        const void *values, const uint8_t *text, int64_t first, int64_t rows) {
    const int32_t *of_32_bits = values;
    switch (bits) { /* each width is compiled for itself */
    case 64: add_words(facts, valid, values, 1, first, rows, keys); return;
    case 128: add_words(facts, valid, values, 2, first, rows, keys); return;
    case 256: add_words(facts, valid, values, 4, first, rows, keys); return;
    }
    for (int64_t row = first; row < first + rows; row++) {
        if (valid && !is_set(valid, row)) {
            add_null(facts, keys);
        } else if (bits == 1) {
            add_value(facts, (uint64_t)is_set(values, row), keys);
        } else if (bits == 32) {
            add_value(facts, (uint64_t)(uint32_t)of_32_bits[row], keys);
        } else {
            int64_t length = of_32_bits[row + 1] - of_32_bits[row];
            uint64_t hash = length ? hash_text(text + of_32_bits[row], length, keys) : 0;
            add_value(facts, hash, keys);
        }
    }
}
