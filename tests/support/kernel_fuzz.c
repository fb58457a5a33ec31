/* Lines in, which the kernel reads in memory that ends where it may go. Compiled with sanitizers,
   which end the process at the first byte beyond, and at whatever C leaves undefined.

   Whoever changes the lines is libFuzzer, where FUZZ_PLANS names a file with plans in C, and else
   `fuzz`, which needs nothing but the sanitizers. */

#include "json_lines.c"

#include "column_facts.c"

#include <stdlib.h>

/* Returns how many records were read. *widths* are bytes a row by column; 0 for bits, -1 for text. */
static int64_t read_lines(const Plan *plan, Text lines, int64_t size, const int32_t *widths) {
    static const Keys keys = {3, 5, 7, 9};
    int64_t rows = 0;
    uint8_t *text = malloc((size_t)size); /* of this length: what is behind it is no one's */
    memcpy(text, lines, (size_t)size);
    for (int64_t i = 0; i < size; i++) rows += text[i] == '\n';
    if (ticklake_count(text, size) != rows) abort();
    Output *outputs = calloc((size_t)plan->column_count + 1, sizeof *outputs);
    for (int32_t i = 0; i < plan->column_count; i++) {
        int64_t width = widths[i], bits = (rows + 7) / 8;
        outputs[i].valid = calloc((size_t)bits, 1);
        outputs[i].values = calloc(1, (size_t)(!width ? bits : width < 0 ? 4 * rows + 4 : width * rows));
        outputs[i].starts = width < 0 ? malloc((size_t)(4 * rows)) : NULL;
    }
    uint8_t *unread = malloc((size_t)rows);
    int32_t *scratch = calloc((size_t)plan->node_count * 3, sizeof *scratch);
    int64_t left = ticklake_parse(plan, text, size, rows, outputs, unread, scratch);
    if (left < 0) abort();
    for (int32_t i = 0; i < plan->column_count; i++) {
        Facts facts = {0};
        Piece piece = {.facts = &facts, .bits = widths[i] ? 8 * widths[i] : 1,
                       .valid = outputs[i].valid, .values = outputs[i].values, .rows = rows};
        uint8_t *out = NULL;
        if (widths[i] < 0) {
            const int32_t *offsets = outputs[i].values;
            out = malloc((size_t)offsets[rows]);
            ticklake_text(text, size, rows, outputs[i].starts, offsets, out);
            piece.bits = 0;
            piece.text = out;
        }
        ticklake_add_facts(&piece, 1, &keys);
        if ((int64_t)facts.rows != rows) abort();
        free(out);
        free(outputs[i].valid);
        free(outputs[i].values);
        free(outputs[i].starts);
    }
    int64_t start;
    ticklake_longest(text, size, &start);
    free(outputs);
    free(scratch);
    free(unread);
    free(text);
    return rows - left;
}

#ifdef FUZZ_PLANS

#include FUZZ_PLANS

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the plan; whatever the last one is, the text ends with a line break. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    int number = data[0] % PLANS;
    uint8_t *lines = malloc(size);
    memcpy(lines, data + 1, size - 1);
    lines[size - 1] = '\n';
    read_lines(&plans[number], lines, (int64_t)size, widths[number]);
    free(lines);
    return 0;
}

#endif

static uint64_t state;

static uint64_t any(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static int64_t change(uint8_t *text, int64_t bytes, int64_t room) {
    static const char odd[] = "\"\\{}[]:,-+.eEtfn0129u \n\t\xff\xc3\xed\xf4\x80";
    for (uint64_t changes = 1 + any(4); changes && bytes; changes--) {
        int64_t at = (int64_t)any((uint64_t)bytes), from = (int64_t)any((uint64_t)bytes);
        int64_t length = (int64_t)any(24);
        if (length > bytes - from) length = bytes - from;
        switch (any(5)) {
        case 0: text[at] = (uint8_t)odd[any(sizeof odd - 1)]; break;
        case 1: text[at] ^= (uint8_t)(1 << any(8)); break;
        case 2: /* cut out */
            if (length > bytes - at) length = bytes - at;
            memmove(text + at, text + at + length, (size_t)(bytes - at - length));
            bytes -= length;
            break;
        case 3: /* repeat elsewhere */
            if (bytes + length > room) break;
            memmove(text + at + length, text + at, (size_t)(bytes - at));
            memmove(text + at, text + (from < at ? from : at), (size_t)length);
            bytes += length;
            break;
        default: bytes = 1 + (int64_t)any((uint64_t)bytes); /* ends early */
        }
    }
    return bytes;
}

/* Each round changes some bytes of *lines*. Returns how many records were read. */
int64_t fuzz(const Plan *plan, Text lines, int64_t bytes, const int32_t *widths_of_plan,
             int64_t rounds, uint64_t seed) {
    int64_t read = 0, room = bytes * 2 + 64;
    uint8_t *changed = malloc((size_t)room);
    state = seed * 2 + 1;
    while (rounds--) {
        memcpy(changed, lines, (size_t)bytes);
        int64_t size = change(changed, bytes, room - 64);
        changed[size++] = '\n';
        read += read_lines(plan, changed, size, widths_of_plan);
    }
    free(changed);
    return read;
}
