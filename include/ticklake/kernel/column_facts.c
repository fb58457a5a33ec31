/* Columns of Arrow in, their facts out: how many rows and nulls, and two sums over hashes of the
   values.

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
    uint64_t rows, nulls, hashes, digest;
} Facts;

/* Some rows of a column. */
typedef struct {
    Facts *facts;
    int32_t bits, unused; /* of a value; 0 of text, whose values are its offsets */
    const uint8_t *valid; /* or NULL */
    const void *values;
    const uint8_t *text;
    int64_t first, rows;
} Piece;

typedef struct {
    uint64_t start, factor, end, place; /* which are odd */
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

/* *hash* at its place: nothing waits for the one before it. */
static inline uint64_t at_place(uint64_t hash, const Facts *facts, const Keys *keys) {
    return fold(hash ^ facts->rows * keys->place, keys->factor);
}

static inline void add_null(Facts *facts, const Keys *keys) {
    facts->digest += at_place(keys->end, facts, keys);
    facts->nulls++;
    facts->rows++;
}

static inline void add_value(Facts *facts, uint64_t hash, const Keys *keys) {
    hash = fold(hash ^ keys->start, keys->end);
    facts->hashes += hash;
    facts->digest += at_place(hash, facts, keys);
    facts->rows++;
}

static inline void add_words(const Piece *piece, int64_t words, const Keys *keys) {
    Facts facts = *piece->facts;
    const uint8_t *values = piece->values;
    for (int64_t row = piece->first; row < piece->first + piece->rows; row++) {
        if (piece->valid && !is_set(piece->valid, row)) add_null(&facts, keys);
        else add_value(&facts, hash_words(values + 8 * words * row, words, keys), keys);
    }
    *piece->facts = facts;
}

static void add_others(const Piece *piece, const Keys *keys) {
    const int32_t *of_32_bits = piece->values;
    for (int64_t row = piece->first; row < piece->first + piece->rows; row++) {
        if (piece->valid && !is_set(piece->valid, row)) {
            add_null(piece->facts, keys);
        } else if (piece->bits == 1) {
            add_value(piece->facts, (uint64_t)is_set(piece->values, row), keys);
        } else if (piece->bits == 32) {
            add_value(piece->facts, (uint64_t)(uint32_t)of_32_bits[row], keys);
        } else {
            int64_t length = of_32_bits[row + 1] - of_32_bits[row];
            uint64_t hash = length ? hash_text(piece->text + of_32_bits[row], length, keys) : 0;
            add_value(piece->facts, hash, keys);
        }
    }
}

/* Add each of *count* pieces to its facts. */
void ticklake_add_facts(const Piece *pieces, int64_t count, const Keys *keys) {
    for (const Piece *piece = pieces; piece < pieces + count; piece++) {
        switch (piece->bits) { /* each width is compiled for itself */
        case 64: add_words(piece, 1, keys); break;
        case 128: add_words(piece, 2, keys); break;
        case 256: add_words(piece, 4, keys); break;
        default: add_others(piece, keys);
        }
    }
}
