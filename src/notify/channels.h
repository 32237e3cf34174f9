/* Every channel; one line each. */
CHANNEL(channel_mail)
CHANNEL(channel_slack)
CHANNEL(channel_pagerduty)
CHANNEL(channel_webhook)
CHANNEL(channel_sms)
CHANNEL(channel_statuspage)
CHANNEL(channel_voice)
