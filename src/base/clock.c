#include "base/clock.h"

#include <time.h>

static bool wall_is_fixed;
static int64_t fixed_wall_ms;

int64_t clock_work_us(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_boot_us(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void) {
    if (wall_is_fixed) return fixed_wall_ms;
    struct timespec t = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_fix_wall(int64_t wall_ms) {
    wall_is_fixed = true;
    fixed_wall_ms = wall_ms;
}

bool clock_is_fixed(void) { return wall_is_fixed; }

/*
 * Proleptic Gregorian calendar in closed form: years start in March, so that the leap day is the last one of its year, and 400 years
 * have 146,097 days. 719,468 days lie between 0000-03-01 and 1970-01-01.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int days_in(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Two digits at p, or a number that fails every range check. */
static inline int two(const char *p) {
    unsigned a = (unsigned)(p[0] - '0'), b = (unsigned)(p[1] - '0');
    return a > 9 || b > 9 ? 1000000 : (int)(a * 10 + b);
}

/* A fraction of 1 to 9 digits after the dot at *i; digits past the third do not reach a millisecond. */
static bool parse_fraction(struct str text, size_t *i, int *ms) {
    int weight = 100, digits = 0;
    for (++*i; *i < text.n && text.p[*i] >= '0' && text.p[*i] <= '9'; ++*i, digits++) {
        *ms += (text.p[*i] - '0') * weight;
        weight /= 10;
    }
    return digits >= 1 && digits <= 9;
}

static bool parse_offset(struct str text, size_t i, int *minutes) {
    if (text.n - i == 1) return text.p[i] == 'Z' || text.p[i] == 'z';
    if (text.n - i != 6 || (text.p[i] != '+' && text.p[i] != '-') || text.p[i + 3] != ':') return false;
    int hour = two(text.p + i + 1), minute = two(text.p + i + 4);
    if (hour > 23 || minute > 59) return false;
    *minutes = (text.p[i] == '-' ? -1 : 1) * (hour * 60 + minute);
    return true;
}

bool clock_parse(struct str text, int64_t *wall_ms) {
    if (text.n < STR("2026-03-01T10:10:00Z").n) return false;
    const char *p = text.p;
    if (p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't') || p[13] != ':' || p[16] != ':') return false;
    int century = two(p), year_of_century = two(p + 2), month = two(p + 5), day = two(p + 8);
    int hour = two(p + 11), minute = two(p + 14), second = two(p + 17);
    if (century > 99 || year_of_century > 99 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) return false;
    int64_t year = (int64_t)century * 100 + year_of_century;
    if (day < 1 || day > days_in(year, month)) return false;
    size_t i = 19;
    int ms = 0, offset_minutes = 0;
    if (p[i] == '.' && !parse_fraction(text, &i, &ms)) return false;
    if (i >= text.n || !parse_offset(text, i, &offset_minutes)) return false;
    /* A leap second (RFC 3339 section 5.7) counts as the first of the next minute, as POSIX time has none. */
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - (int64_t)offset_minutes * 60;
    *wall_ms = seconds * 1000 + ms;
    return true;
}

struct civil {
    int64_t year;
    int month, day;
};

static struct civil civil_of(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    int month = (int)(march_month + (march_month < 10 ? 3 : -9));
    return (struct civil){year_of_era + era * 400 + (month <= 2), month, (int)(day_of_year - (153 * march_month + 2) / 5 + 1)};
}

static void put(char *out, int width, int value) {
    for (int i = width - 1; i >= 0; i--, value /= 10) out[i] = (char)('0' + value % 10);
}

/* Years outside 0..9999 have no RFC 3339 form; the nearest instant that has one stands for them. */
static int64_t clamp(int64_t wall_ms) {
    static const int64_t first = -62167219200000, last = 253402300799999;
    return wall_ms < first ? first : wall_ms > last ? last : wall_ms;
}

/* Writes the 19 characters before the fraction and returns the milliseconds. */
static int format(int64_t wall_ms, char *out) {
    wall_ms = clamp(wall_ms);
    int64_t days = wall_ms / 86400000 - (wall_ms % 86400000 < 0);
    int in_day = (int)(wall_ms - days * 86400000);
    struct civil c = civil_of(days);
    memcpy(out, "0000-00-00T00:00:00", 19);
    put(out, 4, (int)c.year);
    put(out + 5, 2, c.month);
    put(out + 8, 2, c.day);
    put(out + 11, 2, in_day / 3600000);
    put(out + 14, 2, in_day / 60000 % 60);
    put(out + 17, 2, in_day / 1000 % 60);
    return in_day % 1000;
}

char *clock_format_s(int64_t wall_ms, char out[CLOCK_TEXT_LEN]) {
    format(wall_ms, out);
    memcpy(out + 19, "Z", 2);
    return out;
}

char *clock_format_ms(int64_t wall_ms, char out[CLOCK_TEXT_LEN]) {
    int ms = format(wall_ms, out);
    memcpy(out + 19, ".000Z", 6);
    put(out + 20, 3, ms);
    return out;
}

char *clock_micro_time(char out[CLOCK_TEXT_LEN]) {
    struct timespec t = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    format((int64_t)t.tv_sec * 1000, out);
    memcpy(out + 19, ".000000Z", 9);
    put(out + 20, 6, (int)(t.tv_nsec / 1000));
    return out;
}
