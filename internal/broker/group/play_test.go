package group

const playEnv = "TROUPE_GROUP_PLAY"

func play() {}
