#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

static void expect(const void *data, size_t len, const char *hex)
{
    struct sha256 hash;
    char found[SHA256_HEX + 1];
    sha256_init(&hash);
    sha256_add(&hash, data, len);
    sha256_final_hex(&hash, found);
    assert_string_equal(found, hex);
}

static void test_fips_180_vectors(void **state)
{
    (void)state;
    expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_a_million_a(void **state)
{
    struct sha256 hash;
    char found[SHA256_HEX + 1];
    char part[1000];
    (void)state;
    memset(part, 'a', sizeof part);
    sha256_init(&hash);
    for (int i = 0; i < 1000; i++)
        sha256_add(&hash, part, sizeof part);
    sha256_final_hex(&hash, found);
    assert_string_equal(found, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Padding changes its shape at 55, 56, 63 and 64 bytes: pieces and the whole must agree at each length. */
static void test_pieces_make_the_whole(void **state)
{
    unsigned char data[200];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    for (size_t len = 0; len <= sizeof data; len++) {
        struct sha256 hash;
        unsigned char whole[SHA256_BYTES], pieces[SHA256_BYTES];
        sha256_init(&hash);
        sha256_add(&hash, data, len);
        sha256_final(&hash, whole);
        sha256_init(&hash);
        for (size_t i = 0; i < len; i++)
            sha256_add(&hash, data + i, 1);
        sha256_final(&hash, pieces);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

static void test_fields_are_kept_apart(void **state)
{
    struct sha256 one, other;
    unsigned char a[SHA256_BYTES], b[SHA256_BYTES];
    (void)state;
    sha256_init(&one);
    sha256_add_field(&one, STR("a"));
    sha256_add_field(&one, STR("bc"));
    sha256_final(&one, a);
    sha256_init(&other);
    sha256_add_field(&other, STR("ab"));
    sha256_add_field(&other, STR("c"));
    sha256_final(&other, b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fips_180_vectors),
        cmocka_unit_test(test_a_million_a),
        cmocka_unit_test(test_pieces_make_the_whole),
        cmocka_unit_test(test_fields_are_kept_apart),
    };
    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
