#pragma once

// Static inlines for what OpenSSL offers only as a macro, a variadic function or a typed stack. No logic
// lives here.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Settings of an SSL_CTX.

static inline int apus_SSL_CTX_only_tls13(SSL_CTX *settings) {
  return SSL_CTX_set_min_proto_version(settings, TLS1_3_VERSION) == 1
    && SSL_CTX_set_max_proto_version(settings, TLS1_3_VERSION) == 1;
}

static inline int apus_SSL_CTX_tls12_or_tls13(SSL_CTX *settings) {
  return SSL_CTX_set_min_proto_version(settings, TLS1_2_VERSION) == 1
    && SSL_CTX_set_max_proto_version(settings, TLS1_3_VERSION) == 1;
}

static inline int apus_SSL_CTX_set_groups(SSL_CTX *settings, const char *list) {
  return (int)SSL_CTX_set1_groups_list(settings, list);
}

static inline void apus_SSL_CTX_set_mode(SSL_CTX *settings, long mode) {
  (void)SSL_CTX_set_mode(settings, mode);
}

static inline void apus_SSL_CTX_no_session_cache(SSL_CTX *settings) {
  (void)SSL_CTX_set_session_cache_mode(settings, SSL_SESS_CACHE_OFF);
}

static inline void apus_SSL_CTX_set_max_cert_list(SSL_CTX *settings, long bytes) {
  (void)SSL_CTX_set_max_cert_list(settings, bytes);
}

// Certificate compression exists from OpenSSL 3.2 on.
#if defined(SSL_OP_NO_TX_CERTIFICATE_COMPRESSION) && defined(SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)
#define APUS_NO_CERTIFICATE_COMPRESSION \
  (SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)
#else
#define APUS_NO_CERTIFICATE_COMPRESSION 0
#endif

static inline void apus_SSL_CTX_plain_options(SSL_CTX *settings) {
  (void)SSL_CTX_set_options(
    settings,
    SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
      | APUS_NO_CERTIFICATE_COMPRESSION);
  (void)SSL_CTX_clear_options(settings, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
}

static inline int apus_SSL_set_server_name(SSL *session, const char *name) {
  return (int)SSL_set_tlsext_host_name(session, name);
}

// Keys, memory, memory BIOs.

static inline EVP_PKEY *apus_EC_generate(const char *curve) { return EVP_EC_gen(curve); }

static inline EVP_PKEY *apus_RSA_generate(size_t bits) { return EVP_RSA_gen(bits); }

static inline void apus_free(void *memory) { OPENSSL_free(memory); }

static inline long apus_BIO_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

static inline void apus_BIO_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline void apus_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

// Answers 1 when the name was written in RFC 2253 form.
static inline int apus_X509_NAME_write(BIO *bio, const X509_NAME *name) {
  return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;
}

// Typed stacks.

static inline STACK_OF(X509) *apus_X509s_make(void) { return sk_X509_new_null(); }

// Takes a reference of its own.
static inline int apus_X509s_append(STACK_OF(X509) *stack, X509 *certificate) {
  return X509_add_cert(stack, certificate, X509_ADD_FLAG_UP_REF);
}

static inline void apus_X509s_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline GENERAL_NAMES *apus_GENERAL_NAMES_make(void) { return sk_GENERAL_NAME_new_null(); }

static inline int apus_GENERAL_NAMES_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

static inline const GENERAL_NAME *apus_GENERAL_NAMES_at(const GENERAL_NAMES *names, int index) {
  return sk_GENERAL_NAME_value(names, index);
}

// Takes the name over when it answers more than 0.
static inline int apus_GENERAL_NAMES_append(GENERAL_NAMES *names, GENERAL_NAME *name) {
  return sk_GENERAL_NAME_push(names, name);
}

static inline void apus_GENERAL_NAMES_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

static inline void apus_EXTENSIONS_free(STACK_OF(X509_EXTENSION) *extensions) {
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}
