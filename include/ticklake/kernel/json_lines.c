/* A block of JSON lines and a list of columns in, the values of Arrow arrays out.

   record_parser.py is the definition of what a record means. This reads the records that are
   usual and gives what the definition gives; of every other record it says "look at this one in
   Python", and leaves its row empty. It may say so of any record; it must never give another
   value, or a value of a record that the definition refuses.

   Memory. Nothing is allocated here and nothing is kept between two calls: the plan, the text,
   the scratch space and the arrays belong to Python, which holds them during the call. The text
   and the plan are only read. A call may run beside others with the same plan, without
   Python's lock.

   Pointers. The text is [begin, end), and its last byte is a line break (checked once). A line
   break is a control character: no JSON token has one inside, and no blank is one here. So
   whatever looks at one byte after the other stops there, and only what looks at several bytes at
   once (eight in a string, a name, four hexadecimal digits) compares with `end` before.
   A function that reads gets a pointer to a byte of the text, at most to its last one, and returns
   one behind what it read, or NULL: then the record is one for Python.

   Arrays. Each has room for `rows` values, bitmaps are zero before; only the row of the record
   that is read is written, and `rows` lines are read at most. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Arrow's buffers are little-endian here"
#endif

#define MAX_LEVELS 500 /* as model/nesting.py has it */
#define MAX_UNITS 8
#define SMALLEST_POWER (-342)
#define LARGEST_POWER 308

typedef unsigned __int128 uint128;
typedef __int128 int128;
typedef const uint8_t *Text;

/* ---- What Python passes; kernel.py has the same structures ------------------------------- */

enum Kind { INT64, DECIMAL, DOUBLE, BOOLEAN, STRING, TIME, ISO_TIME, ISO_DATE, TOKEN };

typedef struct {
    Text bytes;
    int64_t length;
} Bytes;

/* digits * 10^exponent, without zeros at the end. */
typedef struct {
    uint64_t digits;
    int32_t exponent;
    int32_t is_negative;
} Decimal;

typedef struct {
    int32_t kind;
    int32_t takes_numbers; /* of a TOKEN: whether a JSON number may be one */
    int32_t digits, scale; /* of a DECIMAL */
    int32_t null_texts, null_numbers, null_doubles;
    const Bytes *null_text;
    const Decimal *null_number;
    const double *null_double;
    int32_t units, shifts[MAX_UNITS]; /* powers of ten from the source's units to the column's */
    int64_t per_second;
    int64_t plausible_first_s, plausible_end_s; /* where there are several units */
    int64_t first, end;                         /* instants that are allowed */
    int64_t early;                              /* after zero and before this one is doubtful */
    int64_t few; /* a power of ten that fits 64 bits and, of a DECIMAL, its digits */
} Column;

/* A name that is read, in the object of the node above it. Children with a position come first, and
   in the order of an array. */
typedef struct {
    Bytes name;
    int32_t column;                /* that reads its value, or -1 */
    int32_t raw;                   /* the column of its own text, or -1 */
    int32_t first_child, children; /* if the value has members: what is read of them */
    int32_t first_slot, slots;     /* of the hash table of the children; a power of two */
    int32_t is_plain;              /* JSON writes the name without escapes */
    int32_t position;              /* in an array, if the value above is one; or -1 */
    /* The name in quotation marks and a colon: its length, its first eight bytes, of which those
       with a mask count, and its last eight, if it has more. */
    int64_t quoted_bytes;
    uint64_t head, mask, tail;
} Node;

typedef struct {
    const Node *nodes; /* the first is the record */
    const Column *columns;
    int32_t *slots; /* a child's node, or -1 */
    const int32_t *texts, *required; /* the numbers of such columns */
    int32_t node_count, column_count, text_count, required_count;
    int32_t has_raw, unused;
    const uint64_t *powers; /* of five, 128 bits each, from SMALLEST_POWER on */
} Plan;

/* Where a column's values go. Of text: where it begins, and with is_escaped where it has escapes;
   offsets as Arrow has them, so `rows` + 1 of them, of which the first is zero. */
typedef struct {
    uint8_t *valid;
    void *values;
    uint32_t *starts;
} Output;

static const uint32_t is_escaped = UINT32_C(1) << 31;

typedef struct {
    Text begin, end;
    const Plan *plan;
    const Output *outputs;
    int64_t row;
    int32_t *seen; /* by node: the record (from 1) in which it was seen */
    /* What the record before had, where it had one: names mostly come in the same order. */
    int32_t *first; /* by node: the child that came first, or -1 */
    int32_t *next;  /* by node: the child of the same node that came behind it */
    bool has_half;  /* of a surrogate pair, somewhere in the record */
} Reader;

/* ---- Characters -------------------------------------------------------------------------- */

static inline bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

static inline Text skip_blanks(Text p) {
    if (*p > ' ') return p;
    while (*p == ' ' || *p == '\t' || *p == '\r') p++;
    return p;
}

/* Whether any of eight bytes ends a run of plain ASCII in a string. */
static inline bool has_special(uint64_t eight) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
    uint64_t control = eight - ones * 0x20; /* right for ASCII; the rest is found by its high bit */
    return ((control | (quote - ones) | (backslash - ones) | eight) & highs) != 0;
}

/* The length of the UTF-8 character at p, which is not ASCII; 0 if it is none. */
static int utf8_length(Text p, Text end) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    if (*p < 0xc2 || *p > 0xf4 || end - p < length) return 0;
    uint32_t code = *p & (0x7f >> length);
    for (int i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool is_half = code >= 0xd800 && code < 0xe000;
    return code < least[length] || code > 0x10ffff || is_half ? 0 : length;
}

static int put_utf8(uint32_t code, uint8_t *out) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = 0x80 | (code & 0x3f);
    out[0] = (uint8_t)(0xf00 >> length | code);
    return length;
}

/* Four hexadecimal digits at p; -1 if there are none. */
static int32_t hexadecimal(Text p, Text end) {
    int32_t code = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t letter = p[i] | 0x20;
        if (is_digit(p[i])) code = code << 4 | (p[i] - '0');
        else if (letter >= 'a' && letter <= 'f') code = code << 4 | (letter - 'a' + 10);
        else return -1;
    }
    return code;
}

static inline bool is_high_half(int32_t code) { return code >= 0xd800 && code < 0xdc00; }
static inline bool is_low_half(int32_t code) { return code >= 0xdc00 && code < 0xe000; }

/* The character of the escape at p, whose backslash is there; both halves of a pair are one. */
static Text read_escape(Text p, Text end, uint32_t *code) {
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    if (p[1] != 'u') {
        for (int i = 0; letters[i]; i++) {
            if (p[1] == (uint8_t)letters[i]) {
                *code = (uint8_t)characters[i];
                return p + 2;
            }
        }
        return NULL;
    }
    int32_t first = hexadecimal(p + 2, end);
    if (first < 0) return NULL;
    p += 6;
    *code = (uint32_t)first;
    if (is_high_half(first) && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        int32_t second = hexadecimal(p + 2, end);
        if (is_low_half(second)) {
            *code = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
            p += 6;
        }
    }
    return p;
}

/* ---- Strings ----------------------------------------------------------------------------- */

typedef struct {
    Text begin; /* of its content */
    int64_t raw_bytes, bytes;
    bool has_escapes, has_half;
} String;

/* The string whose quotation mark is at p. */
static Text read_string(Reader *reader, Text p, String *string) {
    Text end = reader->end;
    int64_t saved = 0;
    *string = (String){.begin = ++p};
    for (;;) {
        uint64_t eight;
        while (end - p >= 8 && (memcpy(&eight, p, 8), !has_special(eight))) p += 8;
        while (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') p++;
        if (*p == '"') break;
        if (*p == '\\') {
            uint32_t code;
            uint8_t utf8[4];
            Text behind = read_escape(p, end, &code);
            if (!behind) return NULL;
            string->has_escapes = true;
            if (code >= 0xd800 && code < 0xe000) string->has_half = reader->has_half = true;
            saved += behind - p - put_utf8(code, utf8);
            p = behind;
        } else if (*p >= 0x80) {
            int length = utf8_length(p, end);
            if (!length) return NULL;
            p += length;
        } else {
            return NULL; /* a control character, or the end of the line */
        }
    }
    string->raw_bytes = p - string->begin;
    string->bytes = string->raw_bytes - saved;
    return p + 1;
}

/* Write `bytes` bytes of the content at p, which was read before; p + 1 may be `end`. */
static void unescape(Text p, Text end, uint8_t *out, int64_t bytes) {
    uint8_t *out_end = out + bytes;
    while (out < out_end) {
        if (*p == '\\') {
            uint32_t code = 0;
            uint8_t utf8[4];
            p = read_escape(p, end, &code);
            if (!p) return;
            int length = put_utf8(code, utf8);
            if (length > out_end - out) return;
            memcpy(out, utf8, (size_t)length);
            out += length;
        } else {
            *out++ = *p++;
        }
    }
}

/* Whether the content of *string* is *bytes*. */
static bool is_content(const Reader *reader, const String *string, const Bytes *bytes) {
    if (string->bytes != bytes->length) return false;
    if (!string->has_escapes) return !memcmp(string->begin, bytes->bytes, (size_t)bytes->length);
    Text expected = bytes->bytes, p = string->begin, end = string->begin + string->raw_bytes;
    while (p < end) {
        uint32_t code;
        uint8_t utf8[4] = {*p};
        int length = 1;
        if (*p == '\\') {
            p = read_escape(p, reader->end, &code);
            length = put_utf8(code, utf8);
        } else {
            p++;
        }
        if (memcmp(expected, utf8, (size_t)length)) return false;
        expected += length;
    }
    return true;
}

/* ---- Numbers ----------------------------------------------------------------------------- */

static const uint64_t power_of_10[] = {
    UINT64_C(1), UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000),
    UINT64_C(1000000), UINT64_C(10000000), UINT64_C(100000000), UINT64_C(1000000000),
    UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
    UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000),
    UINT64_C(10000000000000000), UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000)};
#define MAX_POWER 19

typedef struct {
    bool is_negative;
    bool is_long;     /* it has more digits than `digits` can hold */
    uint64_t digits;  /* the number is digits * 10^exponent; of a long one, the first 19 digits */
    int64_t exponent; /* of the last digit that is written */
    int64_t dropped;  /* how many digits of a long one are not in `digits` */
    Text first, end;  /* its digits, and the point among them */
} Number;

/* How many of eight bytes, from the first on, are digits. */
static inline int count_digits(uint64_t eight) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    /* Right up to the first that is none: only what is behind it gets a carry. */
    uint64_t others = ((eight + ones * 0x46) | (eight - ones * '0')) & ones * 0x80;
    return others ? __builtin_ctzll(others) / 8 : 8;
}

/* The number that the first *count* of eight bytes write, which are 1 to 8 digits: three
   multiplications, each of which joins neighbours. */
static inline uint64_t join_digits(uint64_t eight, int count) {
    eight = (eight - UINT64_C(0x0101010101010101) * '0') << (64 - 8 * count); /* zeros before */
    eight = eight * 10 + (eight >> 8);
    eight = ((eight & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
             (eight >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
    return (uint32_t)eight;
}

static inline Text read_digits(Text p, Text end, Number *number) {
    uint64_t eight;
    while (end - p >= 8 && number->digits < power_of_10[MAX_POWER - 8]) {
        memcpy(&eight, p, 8);
        int count = count_digits(eight);
        if (!count) return p;
        number->digits = number->digits * power_of_10[count] + join_digits(eight, count);
        p += count;
        if (count < 8) return p;
    }
    for (; is_digit(*p); p++) {
        if (number->digits < power_of_10[MAX_POWER - 1]) {
            number->digits = number->digits * 10 + (uint64_t)(*p - '0');
        } else {
            number->is_long = true;
            number->dropped++;
        }
    }
    return p;
}

/* The number at p, as JSON writes it; or, in a text, as Python's Decimal reads it, too: +1, .5, 5.,
   007. More than six digits of an exponent are for Python. */
static inline Text read_number(Text p, Text end, bool is_text, Number *number) {
    *number = (Number){.is_negative = *p == '-'};
    if (*p == '-' || (is_text && *p == '+')) p++;
    number->first = p;
    Text point = read_digits(p, end, number);
    if (point == p && !(is_text && *p == '.')) return NULL;
    if (!is_text && *p == '0' && point > p + 1) return NULL;
    p = point;
    if (*p == '.') {
        p = read_digits(point + 1, end, number);
        if (p == point + 1 && (!is_text || point == number->first)) return NULL;
        number->exponent = -(p - point - 1);
    }
    number->end = p;
    if (*p == 'e' || *p == 'E') {
        int64_t exponent = 0;
        p++;
        bool is_negative = *p == '-';
        if (*p == '-' || *p == '+') p++;
        Text begin = p;
        for (; is_digit(*p); p++) {
            if (p - begin == 6) return NULL;
            exponent = exponent * 10 + (*p - '0');
        }
        if (p == begin) return NULL;
        number->exponent += is_negative ? -exponent : exponent;
    }
    return p;
}

enum Fit { FITS, TOO_LARGE, TOO_FINE };

/* value = value * factor + addend, in 256 bits. */
static void multiply_add(uint64_t value[4], uint64_t factor, uint64_t addend) {
    for (int i = 0; i < 4; i++) {
        uint128 product = (uint128)value[i] * factor + addend;
        value[i] = (uint64_t)product;
        addend = (uint64_t)(product >> 64);
    }
}

/* The same for a number of more than 19 digits. */
static enum Fit scale_long(const Number *number, int scale, int max_digits, uint64_t value[4]) {
    Text first = number->first, last = number->end - 1;
    int64_t zeros = 0, digits = 0;
    while (*first == '0' || *first == '.') first++;
    for (; *last == '0' || *last == '.'; last--) zeros += *last == '0';
    for (Text p = first; p <= last; p++) digits += *p != '.';
    int64_t shift = number->exponent + zeros + scale;
    if (shift < 0) return digits + shift > max_digits ? TOO_LARGE : TOO_FINE;
    if (digits + shift > max_digits) return TOO_LARGE;
    for (Text p = first; p <= last; p++) {
        if (*p != '.') multiply_add(value, 10, (uint64_t)(*p - '0'));
    }
    for (; shift; shift--) multiply_add(value, 10, 0);
    return FITS;
}

/* The number without its sign times 10^scale, if that is an integer of at most *max_digits* digits,
   which are at most 76. */
static inline enum Fit scale_number(const Number *number, int scale, int max_digits, uint64_t value[4]) {
    memset(value, 0, 4 * sizeof *value);
    if (number->is_long) return scale_long(number, scale, max_digits, value);
    uint64_t digits = number->digits;
    if (!digits) return FITS;
    int64_t shift = number->exponent + scale;
    if (shift < 0) {
        if (shift < -MAX_POWER || digits % power_of_10[-shift]) return TOO_FINE;
        digits /= power_of_10[-shift];
        shift = 0;
    }
    if (shift >= max_digits) return TOO_LARGE;
    int64_t room = max_digits - shift;
    if (room <= MAX_POWER && digits >= power_of_10[room]) return TOO_LARGE;
    value[0] = digits;
    for (; shift > MAX_POWER; shift -= MAX_POWER) multiply_add(value, power_of_10[MAX_POWER], 0);
    if (shift) multiply_add(value, power_of_10[shift], 0);
    return FITS;
}

/* The double nearest to digits * 10^exponent, if that is certain and neither tiny nor infinite:
   "Number Parsing at a Gigabyte per Second" (Lemire, 2021), with its table of powers of five. */
static bool nearest_double(uint64_t digits, int64_t exponent, const uint64_t *powers, double *out) {
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!digits) {
        *out = 0;
        return true;
    }
    if (digits <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22) {
        *out = exponent < 0 ? (double)digits / exact[-exponent] : (double)digits * exact[exponent];
        return true; /* one operation on exact numbers is rounded correctly */
    }
    if (exponent < SMALLEST_POWER || exponent > LARGEST_POWER) return false;
    int leading = __builtin_clzll(digits);
    const uint64_t *power = powers + 2 * (exponent - SMALLEST_POWER);
    digits <<= leading;
    uint128 product = (uint128)digits * power[0];
    if ((product >> 64 & 0x1ff) == 0x1ff) product += (uint128)digits * power[1] >> 64;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if (low == UINT64_MAX && (exponent < -27 || exponent > 55)) return false;
    int upper = (int)(high >> 63), shift = upper + 64 - 52 - 3;
    uint64_t mantissa = high >> shift;
    int64_t binary = ((217706 * exponent) >> 16) + 63 + upper - leading + 1023;
    if (binary <= 0) return false;
    bool is_half_way = low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1;
    if (is_half_way && mantissa << shift == high) mantissa &= ~UINT64_C(1);
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= UINT64_C(2) << 52) {
        mantissa = UINT64_C(1) << 52;
        binary++;
    }
    if (binary >= 0x7ff) return false;
    uint64_t bits = (mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)binary << 52;
    memcpy(out, &bits, sizeof bits);
    return true;
}

static bool to_double(const Number *number, const uint64_t *powers, double *out) {
    int64_t exponent = number->exponent + number->dropped;
    if (!nearest_double(number->digits, exponent, powers, out)) return false;
    if (number->is_long) { /* between two numbers of 19 digits: if both are the same double, it is */
        double above;
        if (!nearest_double(number->digits + 1, exponent, powers, &above)) return false;
        if (above != *out) return false;
    }
    if (number->is_negative) *out = -*out;
    return true;
}

/* ---- Times ------------------------------------------------------------------------------- */

static inline bool read_two(Text p, int *value) {
    if (!is_digit(p[0]) || !is_digit(p[1])) return false;
    *value = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

/* Days from 1970 to a day of the years 1 to 9999. */
static int32_t days_of(int year, int month, int day) {
    int32_t y = month > 2 ? year : year - 1;
    int32_t era = y / 400, of_era = y - era * 400;
    int32_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

typedef struct {
    int32_t days;
    int32_t second; /* of the day, as the clock shows it */
    int32_t offset_s;
    Text fraction, fraction_end;
} Clock;

/* The date at p: 2026-11-22 or 20261122. */
static Text read_date(Text p, Clock *clock) {
    static const int8_t lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int century, year, month, day;
    if (!read_two(p, &century) || !read_two(p + 2, &year)) return NULL;
    bool has_dashes = p[4] == '-';
    p += 4 + has_dashes;
    if (!read_two(p, &month)) return NULL;
    p += 2;
    if (has_dashes && *p++ != '-') return NULL;
    if (!read_two(p, &day)) return NULL;
    year += century * 100;
    if (!year || month < 1 || month > 12 || day < 1) return NULL;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month] + (is_leap && month == 2)) return NULL;
    clock->days = days_of(year, month, day);
    return p + 2;
}

/* The offset from UTC at p: Z, +05, +0530, +05:30, +05:30:00. */
static Text read_offset(Text p, Clock *clock) {
    if (*p == 'Z' || *p == 'z') return p + 1;
    bool is_west = *p == '-';
    if (*p++ == '+' || is_west) {
        int parts[3] = {0};
        if (!read_two(p, &parts[0])) return NULL;
        p += 2;
        for (int i = 1; i < 3; i++) {
            bool has_colon = *p == ':';
            if (!has_colon && !is_digit(*p)) break;
            if (!read_two(p + has_colon, &parts[i])) return NULL;
            p += has_colon + 2;
        }
        if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59) return NULL;
        clock->offset_s = parts[0] * 3600 + parts[1] * 60 + parts[2];
        if (is_west) clock->offset_s = -clock->offset_s;
        return p;
    }
    return NULL;
}

/* The usual ones of the ISO 8601 texts that iso_times.py reads, up to the quotation mark: no weeks,
   no days of the year, no 24:00. */
static Text read_clock(Text p, Clock *clock) {
    *clock = (Clock){0};
    if (!(p = read_date(p, clock)) || *p == '"') return p;
    if (*p != 'T' && *p != 't' && *p != ' ') return NULL;
    int hour, minute = 0, second = 0;
    if (!read_two(++p, &hour)) return NULL;
    p += 2;
    bool has_colons = *p == ':';
    if (has_colons || is_digit(*p)) {
        if (!read_two(p + has_colons, &minute)) return NULL;
        p += has_colons + 2;
        if (has_colons ? *p == ':' : is_digit(*p)) {
            if (!read_two(p + has_colons, &second)) return NULL;
            p += has_colons + 2;
            if (*p == '.' || *p == ',') {
                clock->fraction = ++p;
                while (is_digit(*p)) p++;
                if (p == clock->fraction) return NULL;
                clock->fraction_end = p;
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return NULL;
    clock->second = hour * 3600 + minute * 60 + second;
    if (*p != '"' && !(p = read_offset(p, clock))) return NULL;
    return *p == '"' ? p : NULL;
}

/* The clock's instant in units of *per_second*; false where it is finer than that. */
static bool to_instant(const Clock *clock, int64_t per_second, int128 *at) {
    int64_t unit = per_second, part = 0;
    for (Text p = clock->fraction; p < clock->fraction_end; p++) {
        unit /= 10;
        if (!unit && *p != '0') return false;
        part += unit * (*p - '0');
    }
    int64_t seconds = clock->days * INT64_C(86400) + clock->second - clock->offset_s;
    *at = (int128)seconds * per_second + part;
    return true;
}

/* ---- Values ------------------------------------------------------------------------------ */

static inline void set_valid(const Reader *reader, int32_t column) {
    reader->outputs[column].valid[reader->row >> 3] |= (uint8_t)(1 << (reader->row & 7));
}

static inline bool is_valid(const Reader *reader, int32_t column) {
    return reader->outputs[column].valid[reader->row >> 3] >> (reader->row & 7) & 1;
}

/* Whether *bytes* more fit behind the text of a column; then they are in it. */
static bool put_text(const Reader *reader, int32_t column, Text start, int64_t bytes, bool escaped) {
    const Output *output = &reader->outputs[column];
    int32_t *offsets = output->values;
    if (bytes > INT32_MAX - offsets[reader->row]) return false;
    output->starts[reader->row] = (uint32_t)(start - reader->begin) | (escaped ? is_escaped : 0);
    offsets[reader->row + 1] = offsets[reader->row] + (int32_t)bytes;
    set_valid(reader, column);
    return true;
}

enum Answer { NO, YES, UNSURE };

static enum Answer is_null_number(const Column *column, const Number *number) {
    if (!column->null_numbers) return NO;
    if (number->is_long) return UNSURE;
    uint64_t digits = number->digits;
    int64_t exponent = number->exponent;
    for (; digits && digits % 10 == 0; digits /= 10) exponent++;
    for (int i = 0; i < column->null_numbers; i++) {
        const Decimal *null = &column->null_number[i];
        if (null->digits != digits) continue;
        bool is_equal = null->exponent == exponent && null->is_negative == number->is_negative;
        if (!digits || is_equal) return YES;
    }
    return NO;
}

static bool is_null_double(const Column *column, double value) {
    for (int i = 0; i < column->null_doubles; i++) {
        if (column->null_double[i] == value) return true;
    }
    return false;
}

static bool put_instant(const Reader *reader, int32_t number, int128 at) {
    const Column *column = &reader->plan->columns[number];
    if (at < column->first || at >= column->end) return false;
    if (at > 0 && at < column->early) return false;
    ((int64_t *)reader->outputs[number].values)[reader->row] = (int64_t)at;
    set_valid(reader, number);
    return true;
}

static bool put_time(const Reader *reader, int32_t column_number, const Number *number) {
    const Column *column = &reader->plan->columns[column_number];
    for (int i = 0; i < column->units; i++) {
        uint64_t value[4];
        enum Fit fit = scale_number(number, column->shifts[i], 25, value);
        if (fit == TOO_FINE || (fit == TOO_LARGE && column->units == 1)) return false;
        if (fit == TOO_LARGE) continue;
        int128 at = (int128)((uint128)value[1] << 64 | value[0]);
        if (number->is_negative) at = -at;
        bool is_plausible = at >= (int128)column->plausible_first_s * column->per_second &&
                            at < (int128)column->plausible_end_s * column->per_second;
        if (column->units == 1 || at == 0 || is_plausible) {
            return put_instant(reader, column_number, at);
        }
    }
    return false;
}

static void put_truth(const Reader *reader, int32_t column, bool is_true) {
    uint8_t *bits = reader->outputs[column].values;
    if (is_true) bits[reader->row >> 3] |= (uint8_t)(1 << (reader->row & 7));
    set_valid(reader, column);
}

/* 1 and 0, however they are written. */
static bool put_truth_of_number(const Reader *reader, int32_t column, const Number *number) {
    uint64_t value[4];
    if (scale_number(number, 0, 1, value) != FITS || value[0] > 1) return false;
    if (value[0] && number->is_negative) return false;
    put_truth(reader, column, value[0]);
    return true;
}

/* Whether the content is *word*, in letters of any case. */
static bool is_word(const String *string, const char *word) {
    if (string->has_escapes || string->raw_bytes != (int64_t)strlen(word)) return false;
    for (int64_t i = 0; word[i]; i++) {
        if ((string->begin[i] | 0x20) != (uint8_t)word[i]) return false;
    }
    return true;
}

/* true, false, 1 and 0 as text. */
static bool put_truth_of_text(const Reader *reader, int32_t column, const String *string) {
    bool is_true = is_word(string, "true") || is_word(string, "1");
    if (!is_true && !is_word(string, "false") && !is_word(string, "0")) return false;
    put_truth(reader, column, is_true);
    return true;
}

/* How many 64 bits a value has. */
static inline int limbs_of(const Column *column) {
    return column->kind != DECIMAL ? 1 : column->digits <= 38 ? 2 : 4;
}

/* The usual number has few digits, and not more behind the point than its column. */
static inline bool put_few(const Reader *reader, int32_t column_number, const Number *number) {
    const Column *column = &reader->plan->columns[column_number];
    int64_t shift = number->exponent + column->scale;
    uint64_t value;
    if (!column->few || number->is_long || (uint64_t)shift > MAX_POWER) return false;
    if (__builtin_mul_overflow(number->digits, power_of_10[shift], &value)) return false;
    if (value >= (uint64_t)column->few) return false;
    int64_t with_sign = number->is_negative ? -(int64_t)value : (int64_t)value;
    if (column->kind == TIME) return put_instant(reader, column_number, with_sign);
    int limbs = limbs_of(column);
    int64_t *out = (int64_t *)reader->outputs[column_number].values + limbs * reader->row;
    out[0] = with_sign;
    for (int i = 1; i < limbs; i++) out[i] = -(with_sign < 0);
    set_valid(reader, column_number);
    return true;
}

static bool put_any(const Reader *reader, int32_t column_number, const Number *number) {
    const Column *column = &reader->plan->columns[column_number];
    void *values = reader->outputs[column_number].values;
    uint64_t value[4];
    if (column->kind == DOUBLE) {
        double nearest;
        if (!to_double(number, reader->plan->powers, &nearest)) return false;
        if (is_null_double(column, nearest)) return true;
        ((double *)values)[reader->row] = nearest;
        set_valid(reader, column_number);
        return true;
    }
    enum Answer is_null = is_null_number(column, number);
    if (is_null != NO) return is_null == YES;
    if (column->kind == TIME) return put_time(reader, column_number, number);
    int digits = column->kind == INT64 ? MAX_POWER : column->digits;
    if (scale_number(number, column->scale, digits, value) != FITS) return false;
    if (column->kind == INT64) {
        uint64_t limit = (uint64_t)INT64_MAX + number->is_negative;
        if (value[0] > limit) return false;
    }
    int limbs = limbs_of(column);
    if (number->is_negative) { /* as two's complement */
        uint64_t carry = 1;
        for (int i = 0; i < limbs; i++) {
            value[i] = ~value[i] + carry;
            carry = carry && !value[i];
        }
    }
    uint64_t *out = (uint64_t *)values + limbs * reader->row;
    for (int i = 0; i < limbs; i++) out[i] = value[i];
    set_valid(reader, column_number);
    return true;
}

static inline bool put_number(const Reader *reader, int32_t column, const Number *number) {
    return put_few(reader, column, number) || put_any(reader, column, number);
}

static inline bool takes_numbers(const Column *column) {
    return column->kind <= DOUBLE || column->kind == TIME;
}

/* A text that stands for no value. */
static bool is_null_text(const Reader *reader, const Column *column, const String *string) {
    for (int i = 0; i < column->null_texts; i++) {
        if (is_content(reader, string, &column->null_text[i])) return true;
    }
    return false;
}

/* The string at p, for a column. */
static Text read_text(Reader *reader, Text p, int32_t column_number) {
    const Column *column = &reader->plan->columns[column_number];
    Number number;
    Text behind;
    if (takes_numbers(column) && column->null_texts <= 1) {
        /* The only text that may be null is the empty one: see kernel.py. */
        if (p[1] == '"') return column->null_texts ? p + 2 : NULL;
        behind = read_number(p + 1, reader->end, true, &number);
        if (!behind || *behind != '"') return NULL;
        return put_number(reader, column_number, &number) ? behind + 1 : NULL;
    }
    String string;
    if (!(behind = read_string(reader, p, &string)) || string.has_half) return NULL;
    if (is_null_text(reader, column, &string)) return behind;
    if (column->kind == STRING || column->kind == TOKEN) {
        bool is_put = put_text(reader, column_number, string.begin, string.bytes,
                               string.has_escapes);
        return is_put ? behind : NULL;
    }
    if (takes_numbers(column)) {
        if (read_number(p + 1, reader->end, true, &number) != behind - 1) return NULL;
        return put_number(reader, column_number, &number) ? behind : NULL;
    }
    if (column->kind == BOOLEAN) {
        return put_truth_of_text(reader, column_number, &string) ? behind : NULL;
    }
    if (column->kind == ISO_TIME || column->kind == ISO_DATE) {
        Clock clock;
        int128 at;
        if (read_clock(p + 1, &clock) != behind - 1) return NULL;
        if (column->kind == ISO_TIME) {
            if (!to_instant(&clock, column->per_second, &at)) return NULL;
            return put_instant(reader, column_number, at) ? behind : NULL;
        }
        for (Text digit = clock.fraction; digit < clock.fraction_end; digit++) {
            if (*digit != '0') return NULL;
        }
        if (clock.second || clock.offset_s) return NULL;
        ((int32_t *)reader->outputs[column_number].values)[reader->row] = clock.days;
        set_valid(reader, column_number);
        return behind;
    }
    return NULL;
}

static inline Text read_word(Text p, const char *word) {
    for (; *word; word++, p++) {
        if (*p != (uint8_t)*word) return NULL;
    }
    return p;
}

/* true or false, by its last four letters. */
static inline Text read_truth(Text p, Text end, bool is_true) {
    if (!is_true) p++;
    if (end - p < 4 || memcmp(p, is_true ? "true" : "alse", 4)) return NULL;
    return p + 4;
}

/* The value at p, for a column that reads it. */
static Text read_value(Reader *reader, Text p, int32_t column_number) {
    const Column *column = &reader->plan->columns[column_number];
    Number number;
    Text behind;
    if (*p == '"') return read_text(reader, p, column_number);
    if (*p == 'n') return read_word(p, "null");
    if (*p == 't' || *p == 'f') {
        if (column->kind != BOOLEAN) return NULL;
        put_truth(reader, column_number, *p == 't');
        return read_truth(p, reader->end, *p == 't');
    }
    if (!(behind = read_number(p, reader->end, false, &number))) return NULL;
    if (takes_numbers(column)) {
        return put_number(reader, column_number, &number) ? behind : NULL;
    }
    enum Answer is_null = is_null_number(column, &number);
    if (is_null == YES) return behind;
    if (is_null == NO && column->kind == BOOLEAN) {
        return put_truth_of_number(reader, column_number, &number) ? behind : NULL;
    }
    if (is_null == UNSURE || column->kind != TOKEN || !column->takes_numbers) return NULL;
    return put_text(reader, column_number, p, behind - p, false) ? behind : NULL;
}

/* ---- What nobody reads ------------------------------------------------------------------- */

static Text skip_scalar(Reader *reader, Text p) {
    String string;
    Number number;
    switch (*p) {
    case '"': return read_string(reader, p, &string);
    case 't':
    case 'f': return read_truth(p, reader->end, *p == 't');
    case 'n': return read_word(p, "null");
    default: return read_number(p, reader->end, false, &number);
    }
}

/* The name at p and its colon; the value is next. */
static Text skip_name(Reader *reader, Text p) {
    String string;
    if (*p != '"' || !(p = read_string(reader, p, &string))) return NULL;
    p = skip_blanks(p);
    return *p == ':' ? skip_blanks(p + 1) : NULL;
}

/* The value at p, inside of *depth* objects. */
static Text skip_value(Reader *reader, Text p, int depth) {
    uint8_t closing[MAX_LEVELS];
    int level = 0;
    for (;;) {
        bool is_empty = false;
        if (*p == '{' || *p == '[') {
            if (depth + level >= MAX_LEVELS) return NULL;
            closing[level++] = *p == '{' ? '}' : ']';
            p = skip_blanks(p + 1);
            is_empty = *p == closing[level - 1];
            if (!is_empty) {
                if (closing[level - 1] == '}' && !(p = skip_name(reader, p))) return NULL;
                continue;
            }
        } else if (!(p = skip_scalar(reader, p))) {
            return NULL;
        }
        if (is_empty) {
            p++;
            level--;
        }
        while (level) { /* behind a value in an object or array */
            p = skip_blanks(p);
            if (*p == closing[level - 1]) {
                p++;
                level--;
                continue;
            }
            if (*p != ',') return NULL;
            p = skip_blanks(p + 1);
            if (closing[level - 1] == '}' && !(p = skip_name(reader, p))) return NULL;
            break;
        }
        if (!level) return p;
    }
}

/* ---- Objects ----------------------------------------------------------------------------- */

static inline uint32_t hash(Text name, int64_t length) {
    uint32_t value = UINT32_C(2166136261);
    for (int64_t i = 0; i < length; i++) value = (value ^ name[i]) * UINT32_C(16777619);
    return value ^ value >> 15;
}

/* Whether the text at p begins with the name of *node* and a colon. */
static inline bool has_name(const Reader *reader, Text p, const Node *node) {
    int64_t length = node->quoted_bytes;
    uint64_t head, tail;
    if (reader->end - p < (length < 8 ? 8 : length) || !node->is_plain) return false;
    memcpy(&head, p, 8);
    if ((head & node->mask) != node->head || length <= 8) return (head & node->mask) == node->head;
    memcpy(&tail, p + length - 8, 8);
    if (tail != node->tail) return false;
    return length <= 16 || !memcmp(p + 8, node->name.bytes + 7, (size_t)(length - 16));
}

/* The child of *parent* whose name is *string*; -1 if none is. */
static int32_t find_child(const Reader *reader, const Node *parent, const String *string) {
    const Node *nodes = reader->plan->nodes;
    if (string->has_escapes) {
        for (int32_t i = 0; i < parent->children; i++) {
            int32_t child = parent->first_child + i;
            if (is_content(reader, string, &nodes[child].name)) return child;
        }
        return -1;
    }
    uint32_t mask = (uint32_t)parent->slots - 1, slot = hash(string->begin, string->raw_bytes);
    const int32_t *slots = reader->plan->slots + parent->first_slot;
    for (slot &= mask; slots[slot] >= 0; slot = (slot + 1) & mask) {
        const Bytes *name = &nodes[slots[slot]].name;
        if (name->length == string->raw_bytes &&
            !memcmp(name->bytes, string->begin, (size_t)name->length)) {
            return slots[slot];
        }
    }
    return -1;
}

/* The name at p and its colon; *child* is its node, or -1. A *guess* is a child of *parent*. */
static Text read_name(Reader *reader, Text p, const Node *parent, int32_t guess, int32_t *child) {
    if (*p != '"') return NULL;
    if (guess >= 0 && has_name(reader, p, &reader->plan->nodes[guess])) {
        *child = guess;
        return skip_blanks(p + reader->plan->nodes[guess].quoted_bytes);
    }
    String string;
    if (!(p = read_string(reader, p, &string))) return NULL;
    *child = find_child(reader, parent, &string);
    p = skip_blanks(p);
    return *p == ':' ? skip_blanks(p + 1) : NULL;
}

static Text read_object(Reader *reader, Text p, int32_t number, int depth);
static Text read_array(Reader *reader, Text p, const Node *node, int depth);

/* The value at p, of the name *child*. */
static Text read_member(Reader *reader, Text p, int32_t child, int depth) {
    const Node *node = &reader->plan->nodes[child];
    Text start = p;
    if (reader->seen[child] == reader->row + 1) return NULL; /* which one counts? */
    reader->seen[child] = (int32_t)(reader->row + 1);
    if (!node->children) {
        p = node->column < 0 ? skip_value(reader, p, depth) : read_value(reader, p, node->column);
    } else if (*p == '{') {
        p = node->column < 0 ? read_object(reader, p, child, depth) : NULL;
    } else if (*p == '[') {
        p = node->column < 0 ? read_array(reader, p, node, depth) : NULL;
    } else {
        p = read_word(p, "null"); /* all else has no members, and must have them */
    }
    if (!p || node->raw < 0 || (p - start == 4 && *start == 'n')) return p;
    return put_text(reader, node->raw, start, p - start, false) ? p : NULL;
}

/* The object at p, inside of *depth* others, which is the value of *number*. */
static Text read_object(Reader *reader, Text p, int32_t number, int depth) {
    const Node *node = &reader->plan->nodes[number];
    int32_t *guess = &reader->first[number];
    if (depth >= MAX_LEVELS) return NULL;
    p = skip_blanks(p + 1);
    if (*p == '}') return p + 1;
    for (;;) {
        int32_t child;
        p = read_name(reader, p, node, *guess, &child);
        if (!p) return NULL;
        if (child < 0) {
            p = skip_value(reader, p, depth + 1);
        } else {
            *guess = child;
            guess = &reader->next[child];
            p = read_member(reader, p, child, depth + 1);
        }
        if (!p) return NULL;
        p = skip_blanks(p);
        if (*p == '}') return p + 1;
        if (*p != ',') return NULL;
        p = skip_blanks(p + 1);
    }
}

/* The array at p, inside of *depth* others, which is the value of *node*. */
static Text read_array(Reader *reader, Text p, const Node *node, int depth) {
    int32_t child = node->first_child, end = child + node->children;
    if (depth >= MAX_LEVELS || reader->plan->nodes[end - 1].position < 0) return NULL;
    p = skip_blanks(p + 1);
    if (*p == ']') return p + 1;
    for (int32_t position = 0;; position++) {
        if (child < end && reader->plan->nodes[child].position == position) {
            p = read_member(reader, p, child++, depth + 1);
        } else {
            p = skip_value(reader, p, depth + 1);
        }
        if (!p) return NULL;
        p = skip_blanks(p);
        if (*p == ']') return p + 1;
        if (*p != ',') return NULL;
        p = skip_blanks(p + 1);
    }
}

/* ---- Records ----------------------------------------------------------------------------- */

/* The record at p; behind it is the next line, NULL if Python must look at it. */
static Text read_record(Reader *reader, Text p) {
    const Plan *plan = reader->plan;
    reader->has_half = false;
    p = skip_blanks(p);
    if (*p != '{' || !(p = read_object(reader, p, 0, 0))) return NULL;
    p = skip_blanks(p);
    if (*p == ',') p++;
    else if (p + 1 != reader->end) return NULL;
    if (*p != '\n' || (reader->has_half && plan->has_raw)) return NULL;
    for (int32_t i = 0; i < plan->required_count; i++) {
        if (!is_valid(reader, plan->required[i])) return NULL;
    }
    return p + 1;
}

/* Leave the row of the record empty. */
static void forget_record(const Reader *reader) {
    uint8_t mask = (uint8_t)~(1 << (reader->row & 7));
    for (int32_t i = 0; i < reader->plan->column_count; i++) {
        const Output *output = &reader->outputs[i];
        output->valid[reader->row >> 3] &= mask;
        if (reader->plan->columns[i].kind == BOOLEAN) {
            ((uint8_t *)output->values)[reader->row >> 3] &= mask;
        }
    }
}

/* Fill the slots of the plan's hash tables, which are at most half full; all are -1 before. */
void ticklake_index(const Plan *plan) {
    for (int32_t i = 0; i < plan->node_count; i++) {
        const Node *node = &plan->nodes[i];
        uint32_t mask = (uint32_t)node->slots - 1;
        for (int32_t child = node->first_child; child < node->first_child + node->children; child++) {
            const Bytes *name = &plan->nodes[child].name;
            uint32_t slot = hash(name->bytes, name->length) & mask;
            while (plan->slots[node->first_slot + (int32_t)slot] >= 0) slot = (slot + 1) & mask;
            plan->slots[node->first_slot + (int32_t)slot] = child;
        }
    }
}

/* Read *rows* lines of *text* into *outputs*. `unread[row]` is 1 for a record that Python must look
   at, 0 for the others. *scratch* has three zeros for each node. Returns how many are for Python; -1
   where the text has fewer lines, or is too long. */
int64_t ticklake_parse(const Plan *plan, Text text, int64_t bytes, int64_t rows,
                       const Output *outputs, uint8_t *unread, int32_t *scratch) {
    if (bytes < 1 || bytes > INT32_MAX || rows > bytes || text[bytes - 1] != '\n') return -1;
    Reader reader = {.begin = text, .end = text + bytes, .plan = plan, .outputs = outputs,
                     .seen = scratch, .first = scratch + plan->node_count,
                     .next = scratch + 2 * plan->node_count};
    int64_t unread_rows = 0;
    /* At first the names are expected in the order of the columns. */
    for (int32_t i = 0; i < plan->node_count; i++) {
        const Node *node = &plan->nodes[i];
        reader.first[i] = node->children ? node->first_child : -1;
        for (int32_t child = 0; child < node->children; child++) {
            reader.next[node->first_child + child] = node->first_child + (child + 1) % node->children;
        }
    }
    for (; reader.row < rows; reader.row++) {
        if (text >= reader.end) return -1;
        Text behind = read_record(&reader, text);
        unread[reader.row] = !behind;
        if (!behind) {
            unread_rows++;
            forget_record(&reader);
            behind = memchr(text, '\n', (size_t)(reader.end - text));
            behind++; /* the last byte is a line break */
        }
        text = behind;
        for (int32_t i = 0; i < plan->text_count; i++) {
            if (is_valid(&reader, plan->texts[i])) continue;
            int32_t *offsets = outputs[plan->texts[i]].values;
            offsets[reader.row + 1] = offsets[reader.row];
        }
    }
    return text == reader.end ? unread_rows : -1;
}

/* The text of a column: *out* has as many bytes as the last of *offsets* says. */
void ticklake_text(Text text, int64_t bytes, int64_t rows, const uint32_t *starts,
                   const int32_t *offsets, uint8_t *out) {
    for (int64_t row = 0; row < rows; row++) {
        int32_t length = offsets[row + 1] - offsets[row];
        if (!length) continue;
        Text start = text + (starts[row] & ~is_escaped);
        if (starts[row] & is_escaped) unescape(start, text + bytes, out + offsets[row], length);
        else memcpy(out + offsets[row], start, (size_t)length);
    }
}

/* The length of the longest line of *text*, which ends with a line break; *start* is where it is. */
int64_t ticklake_longest(Text text, int64_t bytes, int64_t *start) {
    Text line = text, end = text + bytes, longest = text;
    int64_t length = 0;
    while (line < end) {
        Text behind = memchr(line, '\n', (size_t)(end - line));
        if (!behind) break;
        if (behind - line > length) {
            length = behind - line;
            longest = line;
        }
        line = behind + 1;
    }
    *start = longest - text;
    return length;
}

/* How many line breaks *text* has. */
int64_t ticklake_count(Text text, int64_t bytes) {
    int64_t count = 0;
    while (bytes) {
        uint8_t few = 0; /* a byte is enough for so few, which is fast */
        int64_t step = bytes < 240 ? bytes : 240;
        for (int64_t i = 0; i < step; i++) few += text[i] == '\n';
        count += few;
        text += step;
        bytes -= step;
    }
    return count;
}
