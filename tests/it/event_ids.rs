//! An event's ID is the value that the contract's line of Python computes from the claims.

use crate::messages::sent;
use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, event,
};
use serde_json::json;

/// The expected IDs were computed with the contract's line of Python.
#[tokio::test]
async fn event_id_equals_the_result_of_the_contracts_python() {
    let vectors = [
        (CHANNEL_ACTIVE, "497cdea1d8cd86512fc3e1706ec7cff17740a1c016fdc3a98b9808f7767ee1f9"),
        ("{}", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        (
            r#"{"webhook_id":"7Rav0hC5"}"#,
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        ),
        (
            r#"{"a":{"webhook_id":"x"}}"#,
            "c85397e0295e72e314534ed2a7c3ae9be2ed626f9e970e374e55183825b22bc9",
        ),
        (r#"{"title":"Café"}"#, "1f63ec15834812c5a4e463822af5f976b5161d1036bdb1e41875ad215eb2aefc"),
        (
            "{\"title\":\"\u{1F600}\"}",
            "6746cb26cdf80ca3796c55bf9c3ea2c9c72a0255d37d249ad3a84ad74fc07aa8",
        ),
        (
            r#"{"title":"\ud83d\uDE00"}"#,
            "6746cb26cdf80ca3796c55bf9c3ea2c9c72a0255d37d249ad3a84ad74fc07aa8",
        ),
        (
            r#"{"title":"\uD800x\udc00"}"#,
            "d24b008803ab8526aacd5945e6f25851e588d1b0a537e93c1a7615530cf7b950",
        ),
        (
            r#"{"title":"\u0000\b\t\n\f\r\u001f\u007f\"\\\/"}"#,
            "d2a982b43bd40a3b29c86be7926d5e94460e99a8a10bd4028dfccff0a426cd88",
        ),
        (
            "{\"title\":\"\u{7f}\u{2028}\"}",
            "516a848a82d088ef2291ec85dad211e23be7bfd1fdd695f56af4c6f82da6b1c0",
        ),
        // Names are sorted by code point. The order by UTF-16 units would be different.
        (
            "{\"\u{ffee}\":1,\"\u{1F600}\":2,\"b\":3,\"a\":4,\"B\":5,\"é\":6,\"\":7}",
            "d54ebd3d99f7a093f6c7877078de6fb77bcdf0c12bbf9e54231c9e968cd4bc94",
        ),
        (
            "{\"\\ud800\":1,\"\u{e000}\":2,\"\u{1F600}\":3}",
            "e3063868fa12d69d16bf985133686e1c58ee63e90787f729e064b179eca1a55f",
        ),
        (
            r#"{"a":0,"b":-0,"c":9007199254740993,"d":123456789012345678901234567890,"e":-1}"#,
            "4899a879bc6581419690d8d43f1a6108f8ab8e09cc6e71031b17e30356ac70f0",
        ),
        (
            r#"{"a":1.0,"b":-0.0,"c":1e3,"d":1E+2,"e":0.1,"f":1e16,"g":1e-5,"h":123456789.125,"i":1.5e300,"j":0.0001,"k":1e22,"l":5e-324,"m":1.00,"n":9007199254740993.0}"#,
            "5f1b38e287e4c3e5522c970394086faec4d54ab8707f53385828ab093e990875",
        ),
        // A float is written with the fewest digits that parse to the same float. If two such
        // numbers are equally near, the even number is written.
        (
            r#"{"a":802328206207007.25,"b":-7327624761433461.9e-1,"c":1e400,"d":123456789012345680.0,"e":2.5e-7}"#,
            "7cbe4b0c33dade88cf9b3a278b80e63a461e55a24c372d65b47edb4d4110dc3c",
        ),
        (
            r#"{"a":true,"b":false,"c":null,"d":[],"e":{},"f":[1,[2,{"z":1,"y":2}]]}"#,
            "1743f238684b1e22da30506d1db28a2b3a14f29fa55545ba75ce32899888be73",
        ),
    ];
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    for (claims, id) in vectors {
        assert_eq!(sent(&function, &aws, claims).await.attribute("event_id"), Some(id), "{claims}");
    }
}

#[tokio::test]
async fn event_sent_twice_or_by_two_webhooks_has_one_event_id() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET, "2yW4KmiG": OTHER_SECRET}));
    let function = Function::of(&aws).fifo().start().await;
    let by_the_other = event(json!({"webhook_id": "2yW4KmiG"}));
    let deliveries = [
        Delivery::of(MEDIA_AVAILABLE),
        Delivery::of(MEDIA_AVAILABLE),
        Delivery::of(MEDIA_AVAILABLE.replace(",", " , ")),
        Delivery::signed(by_the_other, OTHER_SECRET),
    ];
    let mut ids = Vec::new();
    for delivery in &deliveries {
        let answer = function.invoke(delivery).await;
        assert_eq!(answer.verdict(), "200 accepted");
        ids.push(answer.event_id().to_owned());
    }
    assert_eq!(ids, vec![ids[0].clone(); 4]);
    assert_eq!((aws.sends().len(), aws.queued().len()), (4, 1), "the queue drops the duplicates");

    let another = function.invoke(&Delivery::of(event(json!({"media_id": "other678"})))).await;
    assert_ne!(another.event_id(), ids[0]);
    assert_eq!(aws.queued().len(), 2);
}
